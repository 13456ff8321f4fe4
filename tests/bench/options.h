/* options.h - what the operator wants: the command line and the demo's line of JSON */
#pragma once
#include "sfu/srtp_profile.h"
#include <glib.h>
#include <stdbool.h>

#define OPTIONS_VIEWERS_MAX 4000
#define OPTIONS_PUBLISHERS_MAX 16

typedef struct Options {
	int viewers, liars, publishers, kbps, rate, seconds, settle, sample, churn, churn_publishers,
		churn_restarts, join_timeout, parallel, room;
	gboolean storm, come_back, paced, insecure, anywhere, pli_burst;
	SrtpProfile profile; /* NONE: both are offered */
	char *media, *demo, *metrics, *profile_name;
	char *janus; /* its API, instead of a demo */
	int server_pid;
	char *whip_url, *whip_token, *whep_url, *whep_token; /* of the demo */
} Options;

/* False with error: a wrong option, or a demo that cannot be read. */
bool options_read(Options *options, int argc, char **argv, GError **error);
void options_clear(Options *options);
