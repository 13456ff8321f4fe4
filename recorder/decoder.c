#include "decoder.h"
#include "common/reader.h"
#include <string.h>

#define BASE_US (INT64_C(3600) * G_USEC_PER_SEC) /* pictures from before a take's first moment */

struct Decoder {
	GstElement *bin;
	GstPad *in, *out;
	DecoderGive give;
	void *user;
};

static GstClockTime gst_time(int64_t time_us)
{
	return (GstClockTime)MAX(time_us + BASE_US, 0) * GST_USECOND;
}

static GstFlowReturn on_buffer(GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
	Decoder *decoder = gst_pad_get_element_private(pad);
	if (GST_BUFFER_PTS_IS_VALID(buffer))
		decoder->give(buffer, (int64_t)(GST_BUFFER_PTS(buffer) / GST_USECOND) - BASE_US,
			decoder->user);
	gst_buffer_unref(buffer);
	return GST_FLOW_OK;
}

static gboolean on_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
	gst_event_unref(event);
	return TRUE;
}

static char *describe(const DecoderKind *kind)
{
	static const char picture[] =
		"%s ! videoconvert ! videoscale add-borders=true ! "
		"capsfilter caps=video/x-raw,format=I420,width=%u,height=%u,pixel-aspect-ratio=1/1";
	if (!strcmp(kind->codec, "opus"))
		return g_strdup("rtpopusdepay ! opusdec plc=true ! audioconvert ! audioresample ! "
				"capsfilter caps=audio/x-raw,format=S16LE,rate=48000,channels=1,"
				"layout=interleaved");
	if (!strcmp(kind->codec, "vp8"))
		return g_strdup_printf(
			picture, "rtpvp8depay ! vp8dec threads=1", kind->width, kind->height);
	if (!strcmp(kind->codec, "h264"))
		return g_strdup_printf(picture, "rtph264depay ! h264parse ! openh264dec",
			kind->width, kind->height);
	return NULL;
}

static void start(Decoder *decoder, const DecoderKind *kind)
{
	bool is_voice = !strcmp(kind->codec, "opus");
	g_autofree char *encoding = g_ascii_strup(kind->codec, -1);
	GstCaps *caps = gst_caps_new_simple("application/x-rtp", "media", G_TYPE_STRING,
		is_voice ? "audio" : "video", "clock-rate", G_TYPE_INT, (int)kind->clock_rate,
		"encoding-name", G_TYPE_STRING, encoding, "payload", G_TYPE_INT,
		(int)kind->payload_type, NULL);
	GstSegment segment;
	gst_segment_init(&segment, GST_FORMAT_TIME);
	gst_pad_push_event(decoder->in, gst_event_new_stream_start("track"));
	gst_pad_push_event(decoder->in, gst_event_new_caps(caps));
	gst_pad_push_event(decoder->in, gst_event_new_segment(&segment));
	gst_caps_unref(caps);
}

static bool link_pads(Decoder *decoder)
{
	g_autoptr(GstPad) first = gst_element_get_static_pad(decoder->bin, "sink");
	g_autoptr(GstPad) last = gst_element_get_static_pad(decoder->bin, "src");
	decoder->in = gst_pad_new("in", GST_PAD_SRC);
	decoder->out = gst_pad_new("out", GST_PAD_SINK);
	gst_pad_set_element_private(decoder->out, decoder);
	gst_pad_set_chain_function(decoder->out, on_buffer);
	gst_pad_set_event_function(decoder->out, on_event);
	gst_pad_set_active(decoder->in, TRUE);
	gst_pad_set_active(decoder->out, TRUE);
	return first && last && gst_pad_link(decoder->in, first) == GST_PAD_LINK_OK &&
	       gst_pad_link(last, decoder->out) == GST_PAD_LINK_OK &&
	       gst_element_set_state(decoder->bin, GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE;
}

Decoder *decoder_new(const DecoderKind *kind, DecoderGive give, void *user)
{
	g_autofree char *description = describe(kind);
	GstElement *bin =
		description ? gst_parse_bin_from_description(description, TRUE, NULL) : NULL;
	if (!bin)
		return NULL;
	Decoder *decoder = g_new0(Decoder, 1);
	decoder->bin = gst_object_ref_sink(bin);
	decoder->give = give;
	decoder->user = user;
	if (!link_pads(decoder)) {
		decoder_free(decoder);
		return NULL;
	}
	start(decoder, kind);
	return decoder;
}

void decoder_free(Decoder *decoder)
{
	if (!decoder)
		return;
	gst_element_set_state(decoder->bin, GST_STATE_NULL);
	gst_pad_set_active(decoder->in, FALSE);
	gst_pad_set_active(decoder->out, FALSE);
	gst_object_unref(decoder->in);
	gst_object_unref(decoder->out);
	gst_object_unref(decoder->bin);
	g_free(decoder);
}

bool decoder_push(Decoder *decoder, const uint8_t *rtp, size_t len, int64_t time_us)
{
	GstBuffer *buffer = gst_buffer_new_memdup(rtp, len);
	GST_BUFFER_PTS(buffer) = GST_BUFFER_DTS(buffer) = gst_time(time_us);
	GstFlowReturn flow = gst_pad_push(decoder->in, buffer);
	return flow == GST_FLOW_OK;
}

void decoder_gap(Decoder *decoder, int64_t time_us, int64_t length_us)
{
	gst_pad_push_event(decoder->in,
		gst_event_new_gap(gst_time(time_us), (GstClockTime)length_us * GST_USECOND));
}

/* RFC 7741 §4.2 and §4.3: the first packet of a frame, and the frame header's first bit is zero. */
static bool vp8_begins(Reader in)
{
	uint8_t first = read_u8(&in);
	uint8_t more = first & 0x80 ? read_u8(&in) : 0;
	if (more & 0x80)
		read_skip(&in, read_u8(&in) & 0x80 ? 1 : 0);
	if (more & 0x40)
		read_skip(&in, 1);
	if (more & 0x30)
		read_skip(&in, 1);
	uint8_t header = read_u8(&in);
	return in.ok && (first & 0x10) && !(first & 7) && !(header & 1);
}

/* RFC 6184 §5.2: parameter sets, alone or first in an aggregate, come before what needs them. */
static bool h264_begins(Reader in)
{
	unsigned type = read_u8(&in) & 31;
	if (type == 24) {
		read_skip(&in, 2);
		type = read_u8(&in) & 31;
	}
	return in.ok && type == 7;
}

bool decoder_begins(const char *codec, const uint8_t *payload, size_t len)
{
	Reader in = reader_of(payload, len);
	if (!strcmp(codec, "vp8"))
		return vp8_begins(in);
	return strcmp(codec, "h264") || h264_begins(in);
}
