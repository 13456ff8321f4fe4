/* offer.h - the SDP a viewer or a publisher offers, and what it takes from the answer
 *
 * Offers look like Chromium's, without the codecs that nobody uses here. Pure functions. */
#pragma once
#include "sfu/rtp.h"
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define OFFER_MEDIA_MAX 5
#define OFFER_CANDIDATES_MAX 16

/* Payload types of our offers; the server answers with the offered ones. */
enum { OFFER_OPUS = 111, OFFER_VP8 = 96, OFFER_RTX = 97 };

typedef struct Offer {
	char ufrag[9], pwd[25];
	const char *fingerprint; /* "AB:CD:…" */
	bool answers;            /* theirs was first: they nominate */
	/* of a publisher; 0 in a viewer's */
	uint32_t mic_ssrc, camera_ssrc, camera_rtx_ssrc;
} Offer;

typedef struct AnswerCandidate {
	char address[64];
	unsigned port;
} AnswerCandidate;

typedef struct AnswerMedia {
	uint32_t ssrc, rtx_ssrc; /* what the server sends here; 0 for nothing */
	bool taken;              /* neither refused nor inactive */
	bool video;
	RtpExtensionIds extensions;
} AnswerMedia;

typedef struct Answer {
	char ufrag[257], pwd[257];
	uint8_t fingerprint[32];
	AnswerCandidate candidates[OFFER_CANDIDATES_MAX]; /* UDP ones */
	unsigned candidate_count;
	AnswerMedia media[OFFER_MEDIA_MAX];
	unsigned media_count;
} Answer;

/* Random credentials and, for a publisher, streams. */
void offer_init(Offer *offer, const char *fingerprint, bool publishes);
/* Other credentials, for an ICE restart; the rest stays. */
void offer_renew(Offer *offer);
/* a0 a1 a2 main slides, in this order. Free with g_free. */
char *offer_write_viewer(const Offer *offer);
/* Microphone, camera. Free with g_free. */
char *offer_write_publisher(const Offer *offer);

/* Our answer to an offer that sends to us, which repeats it where it may. Free with g_free. */
char *answer_write(const Offer *ours, const char *theirs);

/* Serves offers as well: what they send to us. False with error when something is missing that a
 * peer cannot do without. */
bool answer_read(Answer *answer, const char *sdp, GError **error);
