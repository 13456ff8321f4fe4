/* source.h - the pictures and sounds that a publisher sends
 *
 * Without a file: VP8 frames that are random behind a valid header, of the wanted mean size. With
 * one (IVF, VP8): real frames, filled up behind their end. Film holds the file for all. */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SOURCE_FPS 30
#define SOURCE_FRAME_MAX (512 * 1024)
#define SOURCE_KEYFRAME_S 10   /* between two that nobody asked for */
#define SOURCE_KEYFRAME_SIZE 4 /* of the mean */
#define SOURCE_SOUND_LEN 80    /* 32 kbit/s in 20 ms packets */

typedef struct Film Film;
Film *film_open(const char *path, GError **error);
void film_free(Film *film);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Film, film_free)

typedef struct Source Source;

typedef struct Frame {
	const uint8_t *data; /* borrowed until the next frame */
	size_t len;
	size_t real_len; /* what a decoder needs of it */
	bool keyframe;
} Frame;

/* film may be NULL; else it outlives the source. */
Source *source_new(const Film *film, unsigned kbps);
void source_free(Source *source);
void source_next(Source *source, bool wants_keyframe, Frame *frame);

/* An Opus packet of silence, filled up to SOURCE_SOUND_LEN in a way that decoders pass over. */
void source_sound(uint8_t packet[SOURCE_SOUND_LEN]);
