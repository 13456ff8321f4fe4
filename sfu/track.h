/* track.h - one stream that a publisher sends, as it arrives: its history, its health, its clock
 *
 * A camera may come in layers, the same picture in up to three sizes: each is a Track, linked to
 * the next lower and higher one. Whoever means the picture holds its lowest; which layers of it
 * come at the moment, the browser decides by its line and its processor.
 *
 * Owned by the Intake of its peer, on the home worker of its stage; on other workers with viewers a
 * Mirror owns one like it, which is fed with the same packets. Slots of viewers point to it until
 * they are told to let go. Its worker's thread alone; time is an argument. Its fields are read per
 * packet by those above. */
#pragma once
#include "gaps.h"
#include "history.h"
#include "loudness.h"
#include "params.h"
#include "reception.h"
#include "still.h"
#include "stir.h"

#define TRACK_KEYFRAME_SPACING_US 1000000 /* requests upstream: at most one a second (M8) */
#define TRACK_SILENT_US 2000000           /* no packet for this long: it has stopped */
#define TRACK_ALIVE_US 500000             /* a layer without a picture for this long is not there … */
#define TRACK_SCREEN_ALIVE_US 3000000     /* … of a screen, which says once a second that nothing has changed */
/* A newcomer starts with the last keyframe and what followed, if that is no older (M9) and no more:
 * 2 s of 1.5 Mbit/s. Else one request serves all who wait. */
#define TRACK_GOP_US 2000000
#define TRACK_GOP_BYTES 400000

/* What its rate makes of a picture, with some slack downwards. */
#define TRACK_SMALL_BPS 200000
#define TRACK_MIDDLE_BPS 700000

struct Outlet;

typedef enum TrackWeight { TRACK_SMALL, TRACK_MIDDLE, TRACK_LARGE } TrackWeight;

typedef struct Track {
	uint64_t id;       /* random: unique across nodes; never 0 */
	uint64_t made_of;  /* id of the track whose sound it has in other packets; 0: a publisher's */
	const char *owner; /* borrowed from the peer's params */
	const ParamsMedia *media;
	Source source;
	Codec codec;
	uint32_t clock_rate;
	uint32_t ssrc, rtx_ssrc; /* 0: not known yet */

	History *history;
	Gaps gaps;
	Reception reception;
	Loudness loudness;
	int64_t last_packet_us;
	int64_t last_payload_us; /* of a packet that is not padding alone; 0: none yet */
	bool flowing;            /* of the lowest layer: any of the picture's */

	uint64_t picture; /* the same in all its layers; stays when one of them begins anew */
	uint8_t layer;    /* 0: the lowest, or the only one */
	struct Track *lower, *higher; /* layers of the same picture; NULL: none */

	unsigned takers; /* slots that it is in or waits for; 0: its packets need not be fed */

	int64_t keyframe_wanted_us; /* somebody waits since then; 0: nobody */
	int64_t keyframe_asked_us;
	uint64_t gop_from;   /* number of the last keyframe's first packet; 0: none */
	int64_t gop_us;      /* when it came */
	uint32_t gop_bytes;  /* payload since then */
	Still *still;        /* the keyframe that was cut last; NULL: none */
	Stir stir;           /* of video: when it last began to change */
	uint64_t bytes;      /* payload it has carried */
	int64_t rate_bps;    /* of payload, over the last seconds; 0: not known yet */
	int64_t rate_from_us;
	uint64_t rate_from_bytes;
	TrackWeight weight; /* before its rate is known: by its layer */
	bool key_parameters; /* H.264: parameter sets came just before this packet */
	uint32_t key_timestamp;

	struct Outlet *outlet; /* its way to other workers, the spread's; NULL: none */

	uint64_t report_ntp; /* last sender report: the publisher's clock */
	uint32_t report_rtp;
	int64_t clock_offset; /* our clock minus the publisher's, 32.32 seconds; one for all its
				 tracks */

	uint64_t tapped_id;   /* what the tap knows it by; 0: not yet */
	bool tapped_quiet;    /* the tap has been told that nothing comes */
	struct Track *tapped; /* of the lowest: the layer that the tap gets; NULL: none yet */
} Track;

Track *track_new(const char *owner, const ParamsMedia *media);
/* The same stream as another worker's: its packets come by track_follow(). */
Track *track_new_mirror(const char *owner, const ParamsMedia *media, uint64_t id);
/* Its links must be gone, or all it is linked to goes as well. */
void track_free(Track *track);
/* Takes its place among the layers of a picture, of which `other` is any; other: NULL makes it the
 * only one so far. */
void track_link(Track *track, uint8_t layer, Track *other);
/* Takes it out; those that stay are linked to each other. */
void track_unlink(Track *track);
Track *track_lowest(Track *track);
/* The publisher sends it as a new stream now (another SSRC): forgets the old one, takes a new id.
 */
void track_restart(Track *track, uint32_t ssrc);

/* Takes note of an opened packet of this track and reads its payload header. The packet is filled
 * in, not changed after. False: a duplicate, or nothing that a viewer could use. */
bool track_receive(Track *track, Packet *packet, int64_t now_us);
/* The same for a packet that its track on another worker has taken: it is not changed. */
bool track_follow(Track *track, Packet *packet);
void track_sender_report(Track *track, const RtcpSenderInfo *info, int64_t now_us);

/* True while pictures of it come. */
bool track_is_alive(const Track *track, int64_t now_us);
/* The timestamp that `track` would give to the moment that `other`, of the same publisher, calls
 * other_timestamp. False while one of them has not reported its clock, or the
 * reports lie an hour apart. */
bool track_translate(
	const Track *track, const Track *other, uint32_t other_timestamp, uint32_t *timestamp);

/* True if its history has all that a newcomer needs to start at once. */
bool track_has_gop(const Track *track, int64_t now_us);
/* Its last keyframe as a still, borrowed until the next call; NULL while there is none whole. */
Still *track_still(Track *track);
/* A viewer cannot go on without a keyframe. */
void track_want_keyframe(Track *track, int64_t now_us);
/* True when a request must be sent now. */
bool track_keyframe_due(Track *track, int64_t now_us);
