#include "gst_sink.h"

#include "pattern.h"

#include <gst/app/gstappsink.h>
#include <gst/video/video.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

enum {
	SLOTS = 8, /* sections of the largest offer this peer makes is 5 */
};

typedef struct Slot {
	GstSink *sink;
	bool video, used;
	unsigned frames, unread, falls;
	int number, identity; /* of the last frame, -1 before the first */
	json_t *levels;       /* dBFS each 50 ms */
} Slot;

struct GstSink {
	GstElement *pipeline;
	GMutex lock;
	Slot slots[SLOTS];
};

static GstFlowReturn on_picture(GstAppSink *appsink, gpointer user_data)
{
	Slot *slot = user_data;
	g_autoptr(GstSample) sample = gst_app_sink_pull_sample(appsink);
	GstVideoInfo info;
	GstVideoFrame frame;
	Pattern pattern = { 0 };

	if (!sample || !gst_video_info_from_caps(&info, gst_sample_get_caps(sample)) ||
		!gst_video_frame_map(&frame, &info, gst_sample_get_buffer(sample), GST_MAP_READ))
		return GST_FLOW_OK;
	bool read = pattern_read(GST_VIDEO_FRAME_PLANE_DATA(&frame, 0),
		(unsigned)GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0),
		(unsigned)GST_VIDEO_FRAME_WIDTH(&frame), (unsigned)GST_VIDEO_FRAME_HEIGHT(&frame),
		&pattern);
	gst_video_frame_unmap(&frame);

	g_mutex_lock(&slot->sink->lock);
	slot->frames++;
	if (!read) {
		slot->unread++;
	} else {
		bool same = slot->identity == pattern.identity;
		if (same && slot->number >= 0 && pattern.number < slot->number)
			slot->falls++; /* a looped file falls once a loop, a camera repeats itself */
		slot->number = pattern.number;
		slot->identity = pattern.identity;
	}
	g_mutex_unlock(&slot->sink->lock);
	return GST_FLOW_OK;
}

static void on_pad(GstElement *webrtc, GstPad *pad, gpointer user_data)
{
	GstSink *sink = user_data;
	g_autoptr(GstObject) transceiver = NULL;
	g_autoptr(GstCaps) caps = gst_pad_get_current_caps(pad);
	guint line = SLOTS;

	if (GST_PAD_DIRECTION(pad) != GST_PAD_SRC)
		return;
	g_object_get(pad, "transceiver", &transceiver, NULL);
	if (transceiver)
		g_object_get(transceiver, "mlineindex", &line, NULL);
	if (line >= SLOTS || !caps)
		return;

	Slot *slot = &sink->slots[line];
	const char *media = gst_structure_get_string(gst_caps_get_structure(caps, 0), "media");
	slot->video = g_strcmp0(media, "video") == 0;
	slot->used = true;
	g_autofree char *description =
		slot->video
			? g_strdup("rtpvp8depay request-keyframe=true ! vp8dec ! videoconvert ! "
				   "video/x-raw,format=I420 ! appsink name=out sync=false "
				   "max-buffers=4 drop=true")
			: g_strdup_printf(
				  "rtpopusdepay ! opusdec ! audioconvert ! audio/x-raw,channels=1 "
				  "! "
				  "level name=level%u interval=50000000 ! fakesink sync=false",
				  line);
	g_autoptr(GError) error = NULL;
	GstElement *bin = gst_parse_bin_from_description(description, TRUE, &error);
	if (!bin) {
		g_warning("slot %u: %s", line, error->message);
		return;
	}
	if (slot->video) {
		g_autoptr(GstElement) out = gst_bin_get_by_name(GST_BIN(bin), "out");
		GstAppSinkCallbacks callbacks = { .new_sample = on_picture };
		gst_app_sink_set_callbacks(GST_APP_SINK(out), &callbacks, slot, NULL);
	}
	gst_bin_add(GST_BIN(sink->pipeline), bin);
	gst_element_sync_state_with_parent(bin);
	g_autoptr(GstPad) into = gst_element_get_static_pad(bin, "sink");
	if (gst_pad_link(pad, into) != GST_PAD_LINK_OK)
		g_warning("slot %u: cannot link", line);
}

GstSink *gst_sink_new(GstElement *pipeline, GstElement *webrtc)
{
	GstSink *sink = g_new0(GstSink, 1);

	sink->pipeline = pipeline;
	g_mutex_init(&sink->lock);
	for (unsigned i = 0; i < SLOTS; i++) {
		sink->slots[i].sink = sink;
		sink->slots[i].number = sink->slots[i].identity = -1;
		sink->slots[i].levels = json_array();
	}
	g_signal_connect(webrtc, "pad-added", G_CALLBACK(on_pad), sink);
	return sink;
}

void gst_sink_free(GstSink *sink)
{
	if (!sink)
		return;
	for (unsigned i = 0; i < SLOTS; i++)
		json_decref(sink->slots[i].levels);
	g_mutex_clear(&sink->lock);
	g_free(sink);
}

void gst_sink_message(GstSink *sink, GstMessage *message)
{
	const GstStructure *about = gst_message_get_structure(message);
	const GValue *rms = about && gst_structure_has_name(about, "level")
				    ? gst_structure_get_value(about, "rms")
				    : NULL;
	const char *name = GST_OBJECT_NAME(message->src);
	unsigned line = g_str_has_prefix(name, "level") ? (unsigned)(name[5] - '0') : SLOTS;

	if (!rms || line >= SLOTS)
		return;
	G_GNUC_BEGIN_IGNORE_DEPRECATIONS
	const GValueArray *channels = g_value_get_boxed(rms);
	double db =
		channels && channels->n_values > 0 ? g_value_get_double(channels->values) : -120;
	G_GNUC_END_IGNORE_DEPRECATIONS
	if (!isfinite(db) || db < -120)
		db = -120;
	json_array_append_new(sink->slots[line].levels, json_real(round(db * 10) / 10));
}

json_t *gst_sink_report(GstSink *sink)
{
	json_t *slots = json_object();

	g_mutex_lock(&sink->lock);
	for (unsigned i = 0; i < SLOTS; i++) {
		Slot *slot = &sink->slots[i];
		char name[12];
		if (!slot->used)
			continue;
		g_snprintf(name, sizeof name, "%u", i);
		if (slot->video)
			json_object_set_new(slots, name,
				json_pack("{s:i, s:i, s:i, s:i, s:i}", "frames", slot->frames,
					"unread", slot->unread, "falls", slot->falls, "number",
					slot->number, "identity", slot->identity));
		else
			json_object_set_new(
				slots, name, json_pack("{s:O}", "levels", slot->levels));
		slot->frames = slot->unread = slot->falls = 0;
		json_decref(slot->levels);
		slot->levels = json_array();
	}
	g_mutex_unlock(&sink->lock);
	return slots;
}
