/* hall.h - one run from the first speaker to the last goodbye
 *
 * Speakers join, then viewers, then it settles. Before and after the measured time the speakers are
 * silent for a moment, so that every count is taken while nothing is on its way. */
#pragma once
#include "report.h"
#include <signal.h>

typedef struct Hall Hall;

Hall *hall_new(const Options *options, GError **error);
void hall_free(Hall *hall);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Hall, hall_free)

/* Runs until all is over, or until *stop is set: then everybody leaves at once. False with error
 * when there is nothing to report. */
bool hall_run(Hall *hall, const volatile sig_atomic_t *stop, GError **error);
const Report *hall_report(const Hall *hall);
