/* preflight.h - what a site's page found when it checked its machine and its line
 *
 * The page measures and judges (web/src/preflight); here a result is bounded, kept and told. Faults
 * are words of one list, in the order in which advice is given; figures are what was measured. A
 * plain value; all zeros: never checked. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define PREFLIGHTS_KEPT 20 /* of a site; older ones go */
#define PREFLIGHT_RATE 0.1 /* results a second of a seat: a check takes a quarter of a minute */
#define PREFLIGHT_BURST 5

#define PREFLIGHT_BPS_MAX 100000000000 /* a figure beyond is no measurement */
#define PREFLIGHT_RTT_MAX 60000
#define PREFLIGHT_UNKNOWN (-1) /* was not measured */
#define PREFLIGHT_PATH_SIZE 5

typedef struct Preflight {
	int64_t at_ms;
	unsigned faults; /* bits, see preflight_fault_words() */
	int64_t down_bps, up_bps, rtt_ms, loss_permille;
	char path[PREFLIGHT_PATH_SIZE]; /* udp, tcp, none; empty: not measured */
} Preflight;

/* All members but at_ms from a page's report. False, and *what says why, in static text. */
bool preflight_read(json_t *json, Preflight *preflight, const char **what);
/* A new reference; null for one that never was. */
json_t *preflight_view(const Preflight *preflight);

/* `ok`, `help` (somebody must do something before the forum) or `never`; static text. A machine
 * without camera is ok, as is a line that is slower than it could be. */
const char *preflight_verdict(const Preflight *preflight);
/* `mic-silent line-up`; free with g_free. */
char *preflight_fault_words(const Preflight *preflight);
/* False for a word that is none. */
bool preflight_faults_from_words(const char *words, unsigned *faults);
/* `udp`, `tcp`, `none` or nothing. */
bool preflight_path_is_valid(const char *path);
