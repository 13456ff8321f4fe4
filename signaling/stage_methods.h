/* stage_methods.h - who speaks and who waits: hand.…, stage.…, seat.…
 *
 * Rows of the method table. Main thread. */
#pragma once
#include "media_methods.h"

MethodRun on_hand_raise, on_hand_lower, on_stage_join, on_stage_leave, on_stage_call,
	on_stage_dismiss, on_stage_main, on_stage_mute, on_seat_admit, on_seat_refuse;
