/* preflight_methods.h - checks of sites' machines over the WebSocket: preflight.…
 *
 * Rows of the method table. Main thread. */
#pragma once
#include "media_methods.h"

MethodRun on_preflight_report, on_preflight_list;
