/* render.h - one take becomes one file: its packets in order, decoded, put on one time line
 *
 * The time line begins with the stage and ends with its last packet. Where nobody is on main there
 * is a slate, where nothing came the last picture and silence, so that the length is the stage's.
 * One thread, as fast as it goes, in bounded memory. */
#pragma once
#include "plan.h"

typedef struct RenderReport {
	int64_t start_us, length_us;
	json_t *gaps; /* [{from_us, to_us, reason}] behind the start; of the caller */
	uint64_t packets, doubles, late, pictures;
	const char *unread; /* a codec that this machine cannot decode; NULL */
} RenderReport;

/* folder: the take's; path: of the file to write. progress: called for each second that is done. */
bool render(const Plan *plan, const char *folder, const char *path, unsigned height,
	void (*progress)(unsigned seconds), RenderReport *report, GError **error);
