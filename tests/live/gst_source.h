/* gst_source.h - what the foreign peer sends: the numbered picture and a looped wav
 *
 * Feeds two appsrc elements by a timer of the GLib main loop; belongs to that loop's thread. */
#pragma once
#include <gst/gst.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct GstSource GstSource;

/* Adds encoders to pipeline and links them to webrtc: picture first, then sound from wav
 * (48 kHz mono s16). */
GstSource *gst_source_new(GstElement *pipeline, GstElement *webrtc, uint8_t identity,
	const char *wav, GError **error);
void gst_source_free(GstSource *source);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GstSource, gst_source_free)

/* Each two seconds, for 200 ms, the lower half is white and a tone of 1 kHz sounds; else silence. */
void gst_source_flash(GstSource *source);
/* Starts to push; before it nothing is produced. */
void gst_source_start(GstSource *source);
