#include "encoder.h"
#include <gst/app/gstappsrc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

/* Behind each encoder all may wait: what limits memory is what the two sources take in, and the
 * muxer never waits for one that cannot get through. */
#define PIPELINE                                                                                   \
	"appsrc name=picture format=time block=true max-buffers=12 max-bytes=0 "                   \
	"caps=video/x-raw,format=I420,width=%u,height=%u,framerate=25/1,pixel-aspect-ratio=1/1 ! " \
	"vp8enc deadline=1 cpu-used=8 end-usage=vbr target-bitrate=%u keyframe-max-dist=50 "       \
	"lag-in-frames=0 threads=1 static-threshold=100 min-quantizer=4 max-quantizer=50 ! "       \
	"queue max-size-buffers=0 max-size-bytes=0 max-size-time=0 ! "                             \
	"webmmux name=mux writing-app=diemcau min-index-interval=1000000000 ! filesink name=file " \
	"appsrc name=sound format=time block=true max-buffers=50 max-bytes=0 "                     \
	"caps=audio/x-raw,format=S16LE,rate=48000,channels=1,layout=interleaved ! "                \
	"opusenc bitrate=64000 ! "                                                                 \
	"queue max-size-buffers=0 max-size-bytes=0 max-size-time=0 ! mux."

#define RATE_720_BPS 1500000

struct Encoder {
	GstElement *pipeline;
	GstAppSrc *picture, *sound;
	uint64_t pictures, sounds;
};

/* In whichever thread it happened: the one that gives may be waiting for ever. */
static GstBusSyncReply on_message(GstBus *bus, GstMessage *message, void *user)
{
	if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
		g_autoptr(GError) error = NULL;
		gst_message_parse_error(message, &error, NULL);
		bool is_full = g_error_matches(
			error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT);
		g_warning("encoder: %s", error->message);
		_exit(is_full ? ENCODER_DISK_FULL : ENCODER_FAILED);
	}
	return GST_BUS_PASS;
}

Encoder *encoder_new(const char *path, unsigned width, unsigned height, GError **error)
{
	g_autoptr(GError) missing = NULL;
	g_autofree char *description = g_strdup_printf(PIPELINE, width, height,
		RATE_720_BPS / (1280 * 720 / 1000) * (width * height / 1000));
	GstElement *pipeline = gst_parse_launch(description, &missing);
	if (missing) { /* an element; there may be a pipeline all the same */
		if (pipeline)
			gst_object_unref(pipeline);
		g_propagate_error(error, g_steal_pointer(&missing));
		return NULL;
	}
	Encoder *encoder = g_new0(Encoder, 1);
	encoder->pipeline = pipeline;
	encoder->picture = GST_APP_SRC(gst_bin_get_by_name(GST_BIN(pipeline), "picture"));
	encoder->sound = GST_APP_SRC(gst_bin_get_by_name(GST_BIN(pipeline), "sound"));
	g_autoptr(GstElement) file = gst_bin_get_by_name(GST_BIN(pipeline), "file");
	g_object_set(file, "location", path, NULL);
	g_autoptr(GstBus) bus = gst_element_get_bus(pipeline);
	gst_bus_set_sync_handler(bus, on_message, NULL, NULL);
	gst_element_set_state(pipeline, GST_STATE_PLAYING);
	return encoder;
}

static void push(GstAppSrc *source, GstBuffer *buffer, uint64_t n)
{
	GST_BUFFER_PTS(buffer) = gst_util_uint64_scale(n, GST_SECOND, ENCODER_FRAMES_PER_S);
	GST_BUFFER_DTS(buffer) = GST_CLOCK_TIME_NONE;
	GST_BUFFER_DURATION(buffer) = GST_SECOND / ENCODER_FRAMES_PER_S;
	gst_app_src_push_buffer(source, buffer);
}

void encoder_picture(Encoder *encoder, GstBuffer *picture)
{
	/* The memory is shared, the times are its own. */
	GstBuffer *own = gst_buffer_copy(picture);
	GST_BUFFER_FLAG_UNSET(own, GST_BUFFER_FLAG_DISCONT);
	push(encoder->picture, own, encoder->pictures++);
}

void encoder_sound(Encoder *encoder, const int16_t *samples)
{
	push(encoder->sound, gst_buffer_new_memdup(samples, ENCODER_SAMPLES * sizeof *samples),
		encoder->sounds++);
}

void encoder_finish(Encoder *encoder)
{
	gst_app_src_end_of_stream(encoder->picture);
	gst_app_src_end_of_stream(encoder->sound);
	g_autoptr(GstBus) bus = gst_element_get_bus(encoder->pipeline);
	GstMessage *end = gst_bus_timed_pop_filtered(bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS);
	gst_message_unref(end);
	gst_element_set_state(encoder->pipeline, GST_STATE_NULL);
	gst_object_unref(encoder->picture);
	gst_object_unref(encoder->sound);
	gst_object_unref(encoder->pipeline);
	g_free(encoder);
}
