/* gst_sink.h - what the foreign peer sees and hears
 *
 * One slot is one section of the offer. Pictures are decoded and their blocks read, sound is
 * decoded and measured each 50 ms. Pads come and pictures arrive on GStreamer's threads; a mutex
 * covers the counts until gst_sink_report() takes them on the main loop. */
#pragma once
#include <gst/gst.h>
#include <jansson.h>

typedef struct GstSink GstSink;

GstSink *gst_sink_new(GstElement *pipeline, GstElement *webrtc);
void gst_sink_free(GstSink *sink);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GstSink, gst_sink_free)

/* Takes the level messages from the pipeline's bus; others are left alone. */
void gst_sink_message(GstSink *sink, GstMessage *message);

/* What came since the last report, by section of the offer. New reference. */
json_t *gst_sink_report(GstSink *sink);
