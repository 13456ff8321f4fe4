#include "render.h"
#include "common/reader.h"
#include "decoder.h"
#include "encoder.h"
#include "mix.h"
#include "pcap.h"
#include "reorder.h"
#include <gio/gio.h>
#include <string.h>

#define FRAME_US (G_USEC_PER_SEC / ENCODER_FRAMES_PER_S)
#define IN_STEP_US 40000 /* a voice this near to where the one before it ended follows it */
#define CONCEALED_MAX 5  /* lost packets of a voice in a row that are made up */
#define KEPT_BYTES_MAX                                                                             \
	(16 * 1024 * 1024) /* of a camera that is not on main, since its keyframe                  \
			    */
#define TAIL_US 20000      /* the last packet is heard, too */

typedef struct Render Render;

typedef struct Track {
	const PlanTrack *plan;
	Render *render;
	Decoder *decoder;
	bool is_unread;    /* cannot be decoded here */
	uint64_t sequence; /* of the last packet; 0: none */
	int64_t time_us;
	/* a voice */
	int64_t sample; /* where the next one is expected */
	bool is_heard;
	/* a picture */
	GQueue kept; /* ReorderItem since the last keyframe */
	size_t kept_bytes;
} Track;

struct Render {
	const Plan *plan;
	Reorder *reorder;
	Encoder *encoder;
	Mix *mix;
	GHashTable *tracks; /* port → Track */
	GstBuffer *slate, *picture;
	unsigned width, height;
	uint64_t frames; /* written */
	int64_t arrival_us, end_us;
	unsigned gap;
	void (*progress)(unsigned seconds);
	RenderReport *report;
};

static int64_t frame_us(const Render *render, uint64_t n)
{
	return render->report->start_us + (int64_t)n * FRAME_US;
}

/* -- out -- */

static void put_sound(Render *render)
{
	int16_t samples[ENCODER_SAMPLES];
	mix_take(render->mix, samples, ENCODER_SAMPLES);
	encoder_sound(render->encoder, samples);
}

/* All that is to be seen and heard before that moment is known. Sound is one frame behind: a packet
 * may begin within it. */
static void write_until(Render *render, int64_t time_us)
{
	while (frame_us(render, render->frames) <= time_us) {
		const char *owner = plan_main(render->plan, frame_us(render, render->frames));
		if (!owner)
			gst_buffer_replace(&render->picture, NULL);
		bool is_slate = !render->picture;
		encoder_picture(render->encoder, is_slate ? render->slate : render->picture);
		render->report->pictures += !is_slate;
		if (render->frames)
			put_sound(render);
		if (++render->frames % ENCODER_FRAMES_PER_S == 0)
			render->progress((unsigned)(render->frames / ENCODER_FRAMES_PER_S));
	}
}

static void on_picture(GstBuffer *buffer, int64_t time_us, void *user)
{
	Track *track = user;
	gst_buffer_replace(&track->render->picture, buffer);
}

static void on_sound(GstBuffer *buffer, int64_t time_us, void *user)
{
	Track *track = user;
	const Render *render = track->render;
	GstMapInfo map;
	if (!gst_buffer_map(buffer, &map, GST_MAP_READ))
		return;
	int64_t at = (time_us - render->report->start_us) * (DECODER_RATE / 1000) / 1000;
	if (ABS(at - track->sample) < IN_STEP_US * (DECODER_RATE / 1000) / 1000)
		at = track->sample;
	size_t count = map.size / sizeof(int16_t);
	if (track->is_heard)
		mix_add(render->mix, at, (const int16_t *)(const void *)map.data, count);
	track->sample = at + (int64_t)count;
	gst_buffer_unmap(buffer, &map);
}

/* -- in -- */

static bool open_decoder(Track *track)
{
	const Render *render = track->render;
	const PlanTrack *plan = track->plan;
	DecoderKind kind = { plan->codec, plan->payload_type, plan->clock_rate, render->width,
		render->height };
	if (!track->decoder && !track->is_unread) {
		track->decoder =
			decoder_new(&kind, plan->kind == PLAN_VOICE ? on_sound : on_picture, track);
		track->is_unread = !track->decoder;
		if (track->is_unread) {
			g_warning("render: no decoder for %s", plan->codec);
			render->report->unread = plan->codec;
		}
	}
	return track->decoder != NULL;
}

static void close_decoder(Track *track)
{
	decoder_free(track->decoder);
	track->decoder = NULL;
}

static void push(Track *track, const ReorderItem *item)
{
	if (track->decoder && !decoder_push(track->decoder, item->rtp, item->len, item->time_us))
		close_decoder(track);
}

static void play_voice(Track *track, ReorderItem *item)
{
	uint64_t lost = track->sequence ? item->sequence - track->sequence - 1 : 0;
	int64_t missing_us = item->time_us - track->time_us;
	bool is_heard = plan_hears(track->render->plan, track->plan->owner, item->time_us);
	if (is_heard && open_decoder(track)) {
		if (lost && lost <= CONCEALED_MAX && track->is_heard && missing_us > 0) {
			int64_t each_us = missing_us / (int64_t)(lost + 1);
			for (uint64_t i = 1; i <= lost; i++)
				decoder_gap(track->decoder, track->time_us + (int64_t)i * each_us,
					each_us);
		}
		track->is_heard = true;
		push(track, item);
	}
	track->is_heard = is_heard;
	g_free(item);
}

static bool payload_of(const ReorderItem *item, const uint8_t **payload, size_t *len)
{
	Reader in = reader_of(item->rtp, item->len);
	uint8_t first = read_u8(&in);
	read_skip(&in, 11 + 4u * (first & 15));
	if (first & 0x10) {
		read_skip(&in, 2);
		read_skip(&in, 4u * read_u16(&in));
	}
	*len = reader_left(&in);
	*payload = in.at;
	return in.ok && *len > 0;
}

static void forget_kept(Track *track)
{
	g_queue_clear_full(&track->kept, g_free);
	track->kept_bytes = 0;
}

/* A camera is decoded while it is on main. Of the others everything since their last keyframe is
 * kept, to begin from when their turn comes. */
static void play_picture(Track *track, ReorderItem *item)
{
	const uint8_t *payload = NULL;
	size_t len = 0;
	bool is_main = plan_main(track->render->plan, item->time_us) == track->plan->owner;
	bool is_torn = track->sequence && item->sequence != track->sequence + 1;
	bool begins = payload_of(item, &payload, &len) &&
		      decoder_begins(track->plan->codec, payload, len);
	if (begins || is_torn || track->kept_bytes > KEPT_BYTES_MAX) {
		/* What is torn cannot be gone on with: the last picture stays to the next keyframe.
		 */
		forget_kept(track);
		if (!begins || is_torn)
			close_decoder(track);
	}
	bool may_keep = begins || !g_queue_is_empty(&track->kept);
	if (!is_main)
		close_decoder(track);
	if (is_main && track->decoder) {
		push(track, item);
	} else if (is_main && may_keep && open_decoder(track)) {
		for (GList *at = track->kept.head; at; at = at->next)
			push(track, at->data);
		push(track, item);
	}
	if (!may_keep) {
		g_free(item);
		return;
	}
	g_queue_push_tail(&track->kept, item);
	track->kept_bytes += sizeof *item + item->len;
}

static void play(Render *render, ReorderItem *item)
{
	Track *track = g_hash_table_lookup(render->tracks, GUINT_TO_POINTER(item->port));
	uint64_t sequence = item->sequence;
	int64_t time_us = item->time_us;
	write_until(render, time_us);
	if (track->plan->kind == PLAN_VOICE)
		play_voice(track, item);
	else if (track->plan->kind == PLAN_PICTURE)
		play_picture(track, item);
	else
		g_free(item);
	track->sequence = sequence;
	track->time_us = time_us;
}

static void play_before(Render *render, int64_t time_us)
{
	ReorderItem *item;
	while ((item = reorder_take(render->reorder, time_us)))
		play(render, item);
}

/* -- the take -- */

/* What was missing lies between the packets around the moment it was noticed. */
static void note_gaps(Render *render, int64_t from_us, int64_t to_us)
{
	const GArray *gaps = plan_gaps(render->plan);
	for (; render->gap < gaps->len; render->gap++) {
		const PlanGap *gap = &g_array_index(gaps, PlanGap, render->gap);
		if (gap->at_us > to_us)
			return;
		json_array_append_new(render->report->gaps,
			json_pack("{s:I,s:I,s:s}", "from_us",
				(json_int_t)(from_us - render->report->start_us), "to_us",
				(json_int_t)(to_us - render->report->start_us), "reason",
				gap->reason ? gap->reason : ""));
	}
}

static void on_packet(const PcapSeen *seen, void *user)
{
	Render *render = user;
	const Track *track = g_hash_table_lookup(render->tracks, GUINT_TO_POINTER(seen->port));
	int64_t arrival_us = seen->time_ns / 1000;
	Reader in = reader_of(seen->rtp, seen->rtp_len);
	uint8_t first = read_u8(&in);
	read_skip(&in, 3);
	uint32_t rtp = read_u32(&in);
	if (!track || !in.ok || first >> 6 != 2)
		return;
	render->report->packets++;
	if (arrival_us > render->arrival_us) {
		note_gaps(render, render->arrival_us, arrival_us);
		render->arrival_us = arrival_us;
	}
	int64_t time_us = timing_map(plan_timing(render->plan), seen->port, rtp, arrival_us);
	/* A publisher's clocks may say what they like; nothing was said after it came. */
	time_us = CLAMP(time_us, arrival_us - REORDER_WINDOW_US, arrival_us);
	render->end_us = MAX(render->end_us, time_us + TAIL_US);
	reorder_add(
		render->reorder, seen->port, seen->rtp_sequence, time_us, seen->rtp, seen->rtp_len);
	play_before(render, render->arrival_us - REORDER_WINDOW_US);
}

static void read_parts(Render *render, const char *folder)
{
	for (unsigned part = 1;; part++) {
		g_autofree char *path = g_strdup_printf("%s/%04u.pcap", folder, part);
		g_autofree char *next = g_strdup_printf("%s/%04u.pcap", folder, part + 1);
		FILE *file = fopen(path, "re");
		if (!file && !g_file_test(next, G_FILE_TEST_EXISTS))
			return; /* one that was torn away whole may lie between two */
		if (!file)
			continue;
		pcap_scan(file, 0, on_packet, render);
		fclose(file);
	}
}

static void track_free(void *data)
{
	Track *track = data;
	close_decoder(track);
	forget_kept(track);
	g_free(track);
}

static void add_tracks(Render *render)
{
	const GArray *ports = plan_ports(render->plan);
	render->tracks = g_hash_table_new_full(NULL, NULL, NULL, track_free);
	for (unsigned i = 0; i < ports->len; i++) {
		uint16_t port = g_array_index(ports, uint16_t, i);
		Track *track = g_new0(Track, 1);
		track->plan = plan_track(render->plan, port);
		track->render = render;
		track->sample = INT32_MIN;
		g_queue_init(&track->kept);
		g_hash_table_insert(render->tracks, GUINT_TO_POINTER(port), track);
	}
}

/* Nobody is on main: a calm dark blue. */
static GstBuffer *make_slate(unsigned width, unsigned height)
{
	size_t size = (size_t)width * height;
	uint8_t *i420 = g_malloc(size * 3 / 2);
	memset(i420, 40, size);
	memset(i420 + size, 138, size / 4);
	memset(i420 + size + size / 4, 122, size / 4);
	return gst_buffer_new_wrapped(i420, size * 3 / 2);
}

bool render(const Plan *plan, const char *folder, const char *path, unsigned height,
	void (*progress)(unsigned seconds), RenderReport *report, GError **error)
{
	Render render = { .plan = plan,
		.height = height,
		.width = height * 16 / 9,
		.progress = progress,
		.report = report };
	*report = (RenderReport){ .start_us = plan_start_us(plan), .gaps = json_array() };
	render.arrival_us = render.end_us = report->start_us;
	render.encoder = encoder_new(path, render.width, render.height, error);
	if (!render.encoder)
		return false;
	render.reorder = reorder_new();
	render.mix = g_new0(Mix, 1);
	render.slate = make_slate(render.width, render.height);
	add_tracks(&render);
	read_parts(&render, folder);
	play_before(&render, INT64_MAX);
	write_until(&render, render.end_us);
	put_sound(&render);
	note_gaps(&render, render.end_us, INT64_MAX);
	encoder_finish(render.encoder);
	report->length_us = (int64_t)render.frames * FRAME_US;
	report->doubles = reorder_doubles(render.reorder);
	report->late = reorder_late(render.reorder);
	g_hash_table_unref(render.tracks);
	reorder_free(render.reorder);
	gst_buffer_replace(&render.picture, NULL);
	gst_buffer_unref(render.slate);
	g_free(render.mix);
	return true;
}
