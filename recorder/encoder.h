/* encoder.h - pictures and sound to a WebM file that both browsers play and seek, by GStreamer
 *
 * VP8 and Opus with caps that never change, a keyframe every two seconds, and, since the file is
 * ended properly, its exact length and an index of keyframes. Pictures and sound are to be given in
 * step; giving waits while the encoder has enough. A fault ends the program with a sentence: its
 * parent tries again. One thread; GStreamer's own beside it. */
#pragma once
#include <gst/gst.h>
#include <stdint.h>

#define ENCODER_RATE 48000
#define ENCODER_FRAMES_PER_S 25
#define ENCODER_SAMPLES (ENCODER_RATE / ENCODER_FRAMES_PER_S)

enum { ENCODER_FAILED = 4, ENCODER_DISK_FULL = 5 }; /* exit statuses */

typedef struct Encoder Encoder;

Encoder *encoder_new(const char *path, unsigned width, unsigned height, GError **error);
/* The next picture, shown for a 25th of a second: I420 of the encoder's size; borrowed. */
void encoder_picture(Encoder *encoder, GstBuffer *picture);
/* The sound beside it: ENCODER_SAMPLES, mono. */
void encoder_sound(Encoder *encoder, const int16_t *samples);
/* Ends the file and waits until it is whole. Frees the encoder. */
void encoder_finish(Encoder *encoder);
