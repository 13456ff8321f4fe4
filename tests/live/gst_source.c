#include "gst_source.h"

#include "pattern.h"

#include <gio/gio.h>
#include <gst/app/gstappsrc.h>
#include <math.h>
#include <string.h>

enum {
	WIDTH = 320,
	HEIGHT = 180,
	FRAMES_PER_S = 15,
	RATE = 48000,
	SAMPLES_PER_PUSH = RATE / 50,
	WAV_HEADER = 44,
	TICK_MS = 10,
	FLASH_EVERY_MS = 2000,
	FLASH_MS = 200,
	TONE_HZ = 1000,
	WHITE = 235,
};

struct GstSource {
	GstAppSrc *picture, *sound;
	char *wav;
	size_t wav_size;
	size_t wav_at;
	uint8_t identity;
	bool flashes;
	uint64_t frames, pushes;
	int64_t start_us;
	guint timer;
};

/* Keyframes come only when somebody asks (keyframe-max-dist), so that PLI is on trial too. */
static const char PICTURE[] =
	"appsrc name=picture is-live=true format=time caps=video/x-raw,format=I420,width=320,"
	"height=180,framerate=15/1 ! vp8enc deadline=1 cpu-used=8 target-bitrate=300000 "
	"keyframe-max-dist=30000 error-resilient=default ! rtpvp8pay pt=96 picture-id-mode=2 ! "
	"capsfilter "
	"caps=application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000";
static const char SOUND[] =
	"appsrc name=sound is-live=true format=time caps=audio/x-raw,format=S16LE,rate=48000,"
	"channels=1,layout=interleaved ! opusenc bitrate=32000 audio-type=voice ! rtpopuspay "
	"pt=111 ! "
	"capsfilter "
	"caps=application/x-rtp,media=audio,encoding-name=OPUS,payload=111,clock-rate=48000";

static GstAppSrc *add(GstElement *pipeline, GstElement *webrtc, const char *description,
	const char *name, GError **error)
{
	GstElement *bin = gst_parse_bin_from_description(description, TRUE, error);
	if (!bin)
		return NULL;
	gst_bin_add(GST_BIN(pipeline), bin);
	if (!gst_element_link(bin, webrtc)) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "cannot link %s", name);
		return NULL;
	}
	return GST_APP_SRC(gst_bin_get_by_name(GST_BIN(bin), name));
}

GstSource *gst_source_new(
	GstElement *pipeline, GstElement *webrtc, uint8_t identity, const char *wav, GError **error)
{
	g_autoptr(GstSource) source = g_new0(GstSource, 1);

	source->identity = identity;
	if (!g_file_get_contents(wav, &source->wav, &source->wav_size, error))
		return NULL;
	if (source->wav_size < WAV_HEADER + RATE * 2) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s is too short", wav);
		return NULL;
	}
	source->wav_at = WAV_HEADER;
	source->picture = add(pipeline, webrtc, PICTURE, "picture", error);
	if (!source->picture)
		return NULL;
	source->sound = add(pipeline, webrtc, SOUND, "sound", error);
	if (!source->sound)
		return NULL;
	return g_steal_pointer(&source);
}

void gst_source_free(GstSource *source)
{
	if (!source)
		return;
	g_clear_handle_id(&source->timer, g_source_remove);
	g_clear_object(&source->picture);
	g_clear_object(&source->sound);
	g_free(source->wav);
	g_free(source);
}

static void stamp(GstBuffer *buffer, uint64_t n, uint64_t per_s)
{
	GST_BUFFER_PTS(buffer) = gst_util_uint64_scale(n, GST_SECOND, per_s);
	GST_BUFFER_DURATION(buffer) = GST_SECOND / per_s;
}

static bool is_flash(uint64_t ms)
{
	return ms % FLASH_EVERY_MS < FLASH_MS;
}

static void draw_tone(const GstSource *source, GstBuffer *buffer)
{
	int16_t samples[SAMPLES_PER_PUSH];

	for (unsigned i = 0; i < SAMPLES_PER_PUSH; i++) {
		uint64_t n = source->pushes * SAMPLES_PER_PUSH + i;
		double wave = sin(2 * G_PI * TONE_HZ * (double)n / RATE);
		samples[i] = is_flash(n * 1000 / RATE) ? (int16_t)(12000 * wave) : 0;
	}
	gst_buffer_fill(buffer, 0, samples, sizeof samples);
}

static void push_picture(GstSource *source)
{
	size_t size = WIDTH * HEIGHT * 3 / 2;
	uint8_t *i420 = g_malloc(size);

	pattern_draw(i420, WIDTH, HEIGHT, (Pattern){ (uint16_t)source->frames, source->identity });
	if (source->flashes && is_flash(source->frames * 1000 / FRAMES_PER_S))
		memset(i420 + WIDTH * HEIGHT / 2, WHITE, WIDTH * HEIGHT / 2);
	GstBuffer *buffer = gst_buffer_new_wrapped(i420, size);
	stamp(buffer, source->frames++, FRAMES_PER_S);
	gst_app_src_push_buffer(source->picture, buffer);
}

static void push_sound(GstSource *source)
{
	size_t size = SAMPLES_PER_PUSH * 2;

	if (source->wav_at + size > source->wav_size)
		source->wav_at = WAV_HEADER;
	GstBuffer *buffer = gst_buffer_new_memdup(source->wav + source->wav_at, size);
	source->wav_at += size;
	if (source->flashes)
		draw_tone(source, buffer);
	stamp(buffer, source->pushes++, RATE / SAMPLES_PER_PUSH);
	gst_app_src_push_buffer(source->sound, buffer);
}

static gboolean on_tick(gpointer user_data)
{
	GstSource *source = user_data;
	int64_t age_us = g_get_monotonic_time() - source->start_us;

	while ((int64_t)(source->frames * G_USEC_PER_SEC / FRAMES_PER_S) <= age_us)
		push_picture(source);
	while ((int64_t)(source->pushes * G_USEC_PER_SEC / (RATE / SAMPLES_PER_PUSH)) <= age_us)
		push_sound(source);
	return G_SOURCE_CONTINUE;
}

void gst_source_flash(GstSource *source)
{
	source->flashes = true;
}

void gst_source_start(GstSource *source)
{
	source->start_us = g_get_monotonic_time();
	source->timer = g_timeout_add(TICK_MS, on_tick, source);
}
