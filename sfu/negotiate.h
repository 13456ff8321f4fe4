/* negotiate.h - decides what to agree to: an SDP offer becomes a peer's parameters and our answer
 *
 * Pure: any thread, no state. A viewer's n-th audio section becomes slot a0..a2, its first two
 * video sections main and slides, further ones stay inactive. A publisher's sections become mic,
 * camera and screen as `sources` says, or in that order; a camera in VP8 may come in layers
 * (simulcast). */
#pragma once
#include "params.h"
#include <glib.h>

typedef struct NegotiateSource {
	const char *mid;
	Source source;
} NegotiateSource;

typedef struct Negotiate {
	const char *id, *stage, *owner;
	Role role;
	const char *offer;
	const NegotiateSource *sources; /* publishers; none: by order */
	unsigned source_count;
	unsigned worker;         /* that the peer will belong to */
	const char *fingerprint; /* of our certificate */
	const SdpCandidate *candidates;
	unsigned candidate_count;
} Negotiate;

/* False with error, written for a person, when nothing can be agreed. *answer: free with g_free. */
bool negotiate(const Negotiate *ask, Params *params, char **answer, GError **error);
