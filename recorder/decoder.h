/* decoder.h - RTP of one track to pictures or sound, by GStreamer, in the caller's own thread
 *
 * The elements stand between two pads of ours and have no queue among them: what a packet gives has
 * been given when decoder_push() returns. Nothing runs beside, nothing waits. One thread. */
#pragma once
#include <glib.h>
#include <gst/gst.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Decoder Decoder;

/* A picture or a piece of sound, and the time that its packet was pushed with; buffer is borrowed.
 */
typedef void (*DecoderGive)(GstBuffer *buffer, int64_t time_us, void *user);

typedef struct DecoderKind {
	const char *codec; /* opus, vp8, h264 */
	unsigned payload_type, clock_rate;
	unsigned width, height; /* of the pictures that are given, with borders where needed */
} DecoderKind;

#define DECODER_RATE 48000 /* sound is mono, 16 bit */

/* NULL when this machine cannot decode it. */
Decoder *decoder_new(const DecoderKind *kind, DecoderGive give, void *user);
void decoder_free(Decoder *decoder);
/* False: it cannot go on; make another. */
bool decoder_push(Decoder *decoder, const uint8_t *rtp, size_t len, int64_t time_us);
/* Sound that was lost: the decoder makes something up for so long. */
void decoder_gap(Decoder *decoder, int64_t time_us, int64_t length_us);

/* Whether a decoder may begin with this packet; payload: behind the RTP header. */
bool decoder_begins(const char *codec, const uint8_t *payload, size_t len);
