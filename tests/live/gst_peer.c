/* gst_peer.c - a WebRTC peer that is no browser: GStreamer's webrtcbin
 *
 *     gst_peer publish --identity N --wav FILE
 *     gst_peer watch
 *
 * Speaks JSON lines: writes {"offer": SDP}, reads {"answer": SDP}, then writes {"state": NAME} when
 * the connection's state changes and, each second, {"slots": …} with what it saw and heard and
 * {"stats": …} with the packets that came and were lost since the start. The end
 * of its input ends it. HTTP is the caller's part. */
#include "gst_sink.h"
#include "gst_source.h"

#include <gio/gio.h>
#include <gio/gunixinputstream.h>
#include <gst/webrtc/webrtc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct GstPeer {
	GMainLoop *loop;
	GstElement *pipeline, *webrtc;
	GstSource *source; /* NULL when it watches */
	GstSink *sink;     /* NULL when it publishes */
	GDataInputStream *in;
	bool offered;
	int status;
} GstPeer;

static void say(json_t *message)
{
	g_autofree char *line = json_dumps(message, JSON_COMPACT);

	printf("%s\n", line);
	fflush(stdout);
	json_decref(message);
}

static void fail(GstPeer *peer, const char *why)
{
	g_printerr("gst_peer: %s\n", why);
	peer->status = 1;
	g_main_loop_quit(peer->loop);
}

static void on_offer(GstPromise *promise, gpointer user_data)
{
	GstPeer *peer = user_data;
	g_autoptr(GstWebRTCSessionDescription) offer = NULL;

	gst_structure_get(gst_promise_get_reply(promise), "offer",
		GST_TYPE_WEBRTC_SESSION_DESCRIPTION, &offer, NULL);
	gst_promise_unref(promise);
	if (!offer) {
		fail(peer, "no offer");
		return;
	}
	g_signal_emit_by_name(peer->webrtc, "set-local-description", offer, NULL);
	g_autofree char *sdp = gst_sdp_message_as_text(offer->sdp);
	say(json_pack("{s:s}", "offer", sdp));
}

static void on_negotiation_needed(GstElement *webrtc, gpointer user_data)
{
	GstPeer *peer = user_data;

	if (peer->offered)
		return;
	peer->offered = true;
	g_signal_emit_by_name(webrtc, "create-offer", NULL,
		gst_promise_new_with_change_func(on_offer, peer, NULL));
}

static void on_state(GstElement *webrtc, GParamSpec *pspec, gpointer user_data)
{
	GstWebRTCPeerConnectionState state;

	g_object_get(webrtc, "connection-state", &state, NULL);
	g_autoptr(GEnumClass) names = g_type_class_ref(GST_TYPE_WEBRTC_PEER_CONNECTION_STATE);
	say(json_pack("{s:s}", "state", g_enum_get_value(names, (gint)state)->value_nick));
}

static void take_answer(GstPeer *peer, const char *sdp)
{
	GstSDPMessage *message = NULL;

	if (gst_sdp_message_new_from_text(sdp, &message) != GST_SDP_OK) {
		fail(peer, "the answer is no SDP");
		return;
	}
	g_autoptr(GstWebRTCSessionDescription) answer =
		gst_webrtc_session_description_new(GST_WEBRTC_SDP_TYPE_ANSWER, message);
	g_signal_emit_by_name(peer->webrtc, "set-remote-description", answer, NULL);
}

static void on_line(GObject *stream, GAsyncResult *result, gpointer user_data)
{
	GstPeer *peer = user_data;
	g_autofree char *line = g_data_input_stream_read_line_finish_utf8(
		G_DATA_INPUT_STREAM(stream), result, NULL, NULL);

	if (!line) {
		g_main_loop_quit(peer->loop);
		return;
	}
	json_t *message = json_loads(line, 0, NULL);
	const char *sdp = json_string_value(json_object_get(message, "answer"));
	if (sdp)
		take_answer(peer, sdp);
	json_decref(message);
	g_data_input_stream_read_line_async(peer->in, 0, NULL, on_line, peer);
}

static gboolean on_message(GstBus *bus, GstMessage *message, gpointer user_data)
{
	GstPeer *peer = user_data;

	if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
		g_autoptr(GError) error = NULL;
		g_autofree char *debug = NULL;
		gst_message_parse_error(message, &error, &debug);
		g_printerr("gst_peer: %s\n", debug ? debug : "");
		fail(peer, error->message);
	} else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ELEMENT && peer->sink) {
		gst_sink_message(peer->sink, message);
	}
	return G_SOURCE_CONTINUE;
}

static gboolean add_stats(GQuark name, const GValue *value, gpointer user_data)
{
	json_int_t *sum = user_data;
	const GstStructure *stats =
		GST_VALUE_HOLDS_STRUCTURE(value) ? gst_value_get_structure(value) : NULL;
	GstWebRTCStatsType type = 0;
	guint64 received = 0;
	gint lost = 0;

	if (!stats || !gst_structure_get(stats, "type", GST_TYPE_WEBRTC_STATS_TYPE, &type, NULL) ||
		type != GST_WEBRTC_STATS_INBOUND_RTP)
		return TRUE;
	gst_structure_get_uint64(stats, "packets-received", &received);
	gst_structure_get_int(stats, "packets-lost", &lost);
	sum[0] += (json_int_t)received;
	sum[1] += lost;
	return TRUE;
}

static void on_stats(GstPromise *promise, gpointer user_data)
{
	const GstStructure *reply = gst_promise_get_reply(promise);
	json_int_t sum[2] = { 0 };

	if (reply)
		gst_structure_foreach(reply, add_stats, sum);
	gst_promise_unref(promise);
	say(json_pack("{s:{s:I,s:I}}", "stats", "received", sum[0], "lost", sum[1]));
}

static gboolean on_second(gpointer user_data)
{
	GstPeer *peer = user_data;

	g_signal_emit_by_name(peer->webrtc, "get-stats", NULL,
		gst_promise_new_with_change_func(on_stats, peer, NULL));

	say(json_pack("{s:o}", "slots", gst_sink_report(peer->sink)));
	return G_SOURCE_CONTINUE;
}

/* Pictures ask for NACK, so that retransmission by RTX is agreed. */
static void set_transceiver(
	gpointer transceiver, GstWebRTCRTPTransceiverDirection direction, bool picture)
{
	g_object_set(transceiver, "direction", direction, "do-nack", picture, NULL);
}

static bool publish(GstPeer *peer, int identity, const char *wav, GError **error)
{
	g_autoptr(GArray) transceivers = NULL;

	peer->source = gst_source_new(peer->pipeline, peer->webrtc, (uint8_t)identity, wav, error);
	if (!peer->source)
		return false;
	g_signal_emit_by_name(peer->webrtc, "get-transceivers", &transceivers);
	for (guint i = 0; i < transceivers->len; i++)
		set_transceiver(g_array_index(transceivers, gpointer, i),
			GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_SENDONLY, i == 0);
	return true;
}

static void watch(GstPeer *peer)
{
	static const char *const sections[] = {
		"application/x-rtp,media=audio,encoding-name=OPUS,payload=111,clock-rate=48000,"
		"encoding-params=(string)2",
		"application/x-rtp,media=audio,encoding-name=OPUS,payload=111,clock-rate=48000,"
		"encoding-params=(string)2",
		"application/x-rtp,media=audio,encoding-name=OPUS,payload=111,clock-rate=48000,"
		"encoding-params=(string)2",
		"application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000",
		"application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000",
	};

	peer->sink = gst_sink_new(peer->pipeline, peer->webrtc);
	for (guint i = 0; i < G_N_ELEMENTS(sections); i++) {
		g_autoptr(GstCaps) caps = gst_caps_from_string(sections[i]);
		g_autoptr(GstWebRTCRTPTransceiver) transceiver = NULL;
		g_signal_emit_by_name(peer->webrtc, "add-transceiver",
			GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_RECVONLY, caps, &transceiver);
		set_transceiver(transceiver, GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_RECVONLY,
			strstr(sections[i], "media=video") != NULL);
	}
	g_timeout_add(1000, on_second, peer);
}

static void run(GstPeer *peer)
{
	g_autoptr(GInputStream) raw = g_unix_input_stream_new(STDIN_FILENO, FALSE);
	g_autoptr(GstBus) bus = gst_element_get_bus(peer->pipeline);

	peer->in = g_data_input_stream_new(raw);
	g_data_input_stream_read_line_async(peer->in, 0, NULL, on_line, peer);
	gst_bus_add_watch(bus, on_message, peer);
	g_signal_connect(peer->webrtc, "notify::connection-state", G_CALLBACK(on_state), peer);
	g_signal_connect(
		peer->webrtc, "on-negotiation-needed", G_CALLBACK(on_negotiation_needed), peer);
	gst_element_set_state(peer->pipeline, GST_STATE_PLAYING);
	if (peer->source)
		gst_source_start(peer->source); /* webrtcbin makes no offer before caps have come */
	g_main_loop_run(peer->loop);
	gst_element_set_state(peer->pipeline, GST_STATE_NULL);
	gst_bus_remove_watch(bus);
	g_object_unref(peer->in);
}

int main(int argc, char **argv)
{
	int identity = 0;
	gboolean flashes = FALSE;
	g_autofree char *wav = NULL;
	const GOptionEntry entries[] = {
		{ "identity", 0, 0, G_OPTION_ARG_INT, &identity, "who is in the picture (0-15)",
			"N" },
		{ "wav", 0, 0, G_OPTION_ARG_FILENAME, &wav, "48 kHz mono sound, looped", "FILE" },
		{ "flash", 0, 0, G_OPTION_ARG_NONE, &flashes,
			"flash and beep each two seconds, no speech", NULL },
		{ NULL },
	};
	g_autoptr(GError) error = NULL;
	g_autoptr(GOptionContext) options = g_option_context_new("publish|watch");
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	GstPeer peer = { .loop = loop };

	g_option_context_add_main_entries(options, entries, NULL);
	g_option_context_add_group(options, gst_init_get_option_group());
	if (!g_option_context_parse(options, &argc, &argv, &error) || argc != 2) {
		g_printerr("gst_peer: %s\n", error ? error->message : "say publish or watch");
		return 2;
	}
	peer.pipeline = gst_object_ref_sink(gst_pipeline_new(NULL));
	peer.webrtc = gst_element_factory_make("webrtcbin", NULL);
	if (!peer.webrtc) {
		g_printerr("gst_peer: webrtcbin is missing (gstreamer1.0-plugins-bad, -nice)\n");
		return 1;
	}
	gst_util_set_object_arg(G_OBJECT(peer.webrtc), "bundle-policy", "max-bundle");
	gst_bin_add(GST_BIN(peer.pipeline), peer.webrtc);
	if (strcmp(argv[1], "watch") == 0) {
		watch(&peer);
	} else if (!wav || !publish(&peer, identity, wav, &error)) {
		g_printerr("gst_peer: %s\n", error ? error->message : "publish needs --wav");
		return 1;
	}
	if (flashes && peer.source)
		gst_source_flash(peer.source);
	run(&peer);
	gst_source_free(peer.source);
	gst_sink_free(peer.sink);
	gst_object_unref(peer.pipeline);
	return peer.status;
}
