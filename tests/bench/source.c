#include "source.h"
#include <gio/gio.h>
#include <string.h>

#define FILM_MAX (64 * 1024 * 1024)
#define IVF_HEADER 32
#define IVF_FRAME_HEADER 12
#define VARIATION 20 /* percent that sizes of frames lie around the mean */

struct Film {
	char *bytes;
	GArray *frames; /* Piece */
};

typedef struct Piece {
	size_t at, len;
} Piece;

struct Source {
	const Film *film;
	unsigned at; /* next frame of the film */
	size_t mean;
	unsigned since_keyframe;
	GRand *random;
	uint8_t noise[SOURCE_FRAME_MAX];
};

static uint32_t little_endian(const char *at)
{
	uint32_t value;
	memcpy(&value, at, sizeof value);
	return GUINT32_FROM_LE(value);
}

static bool is_keyframe(const Film *film, unsigned which)
{
	return !(film->bytes[g_array_index(film->frames, Piece, which).at] & 1);
}

static bool read_frames(Film *film, size_t len)
{
	if (len < IVF_HEADER || memcmp(film->bytes, "DKIF", 4) ||
		memcmp(film->bytes + 8, "VP80", 4))
		return false;
	for (size_t at = IVF_HEADER; at + IVF_FRAME_HEADER <= len;) {
		Piece piece = { .at = at + IVF_FRAME_HEADER,
			.len = little_endian(film->bytes + at) };
		if (!piece.len || piece.len > SOURCE_FRAME_MAX || piece.len > len - piece.at)
			break;
		g_array_append_val(film->frames, piece);
		at = piece.at + piece.len;
	}
	return film->frames->len && is_keyframe(film, 0);
}

Film *film_open(const char *path, GError **error)
{
	g_autoptr(Film) film = g_new0(Film, 1);
	size_t len;
	film->frames = g_array_new(FALSE, FALSE, sizeof(Piece));
	if (!g_file_get_contents(path, &film->bytes, &len, error))
		return NULL;
	if (len <= FILM_MAX && read_frames(film, len))
		return g_steal_pointer(&film);
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
		"%s is no IVF file of VP8 that begins with a keyframe, or has more than 64 MiB",
		path);
	return NULL;
}

void film_free(Film *film)
{
	if (!film)
		return;
	g_free(film->bytes);
	g_array_unref(film->frames);
	g_free(film);
}

Source *source_new(const Film *film, unsigned kbps)
{
	Source *source = g_new0(Source, 1);
	source->film = film;
	source->random = g_rand_new_with_seed(1);
	for (size_t i = 0; i < SOURCE_FRAME_MAX; i++)
		source->noise[i] = (uint8_t)g_rand_int(source->random);
	/* n - 1 small frames and a large one are n of the mean */
	unsigned n = SOURCE_FPS * SOURCE_KEYFRAME_S;
	source->mean = (size_t)kbps * 125 / SOURCE_FPS * n / (n - 1 + SOURCE_KEYFRAME_SIZE);
	return source;
}

void source_free(Source *source)
{
	if (!source)
		return;
	g_rand_free(source->random);
	g_free(source);
}

/* RFC 6386 §9.1: the tag of a shown frame and, for a keyframe, start code and size. */
static size_t write_header(uint8_t *out, bool keyframe)
{
	static const uint8_t key[] = { 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01 };
	static const uint8_t inter[] = { 0x11, 0, 0 };
	const uint8_t *header = keyframe ? key : inter;
	size_t len = keyframe ? sizeof key : sizeof inter;
	memcpy(out, header, len);
	return len;
}

/* The next frame of the film; the next keyframe where one is wanted. */
static size_t copy_frame(Source *source, bool wants_keyframe, bool *keyframe)
{
	const Film *film = source->film;
	unsigned which = source->at % film->frames->len;
	while (wants_keyframe && !is_keyframe(film, which))
		which = (which + 1) % film->frames->len;
	source->at = which + 1;
	const Piece *piece = &g_array_index(film->frames, Piece, which);
	memcpy(source->noise, film->bytes + piece->at, piece->len);
	*keyframe = is_keyframe(film, which);
	return piece->len;
}

void source_next(Source *source, bool wants_keyframe, Frame *frame)
{
	unsigned periodic = SOURCE_FPS * SOURCE_KEYFRAME_S;
	wants_keyframe = wants_keyframe || source->since_keyframe % periodic == 0;
	frame->keyframe = wants_keyframe;
	frame->real_len = source->film ? copy_frame(source, wants_keyframe, &frame->keyframe)
				       : write_header(source->noise, wants_keyframe);
	source->since_keyframe = frame->keyframe ? 1 : source->since_keyframe + 1;

	size_t percent = (size_t)g_rand_int_range(source->random, 100 - VARIATION, 101 + VARIATION);
	size_t wanted = source->mean * percent / 100 * (frame->keyframe ? SOURCE_KEYFRAME_SIZE : 1);
	frame->data = source->noise;
	frame->len = CLAMP(wanted, frame->real_len, SOURCE_FRAME_MAX);
}

void source_sound(uint8_t packet[SOURCE_SOUND_LEN])
{
	/* RFC 6716 §3.2.5: code 3 with padding; the frame is the two bytes that libopus itself
	 * makes of silence. */
	static const uint8_t silence[] = { 0xfb, 0x41, SOURCE_SOUND_LEN - 5, 0xff, 0xfe };
	memset(packet, 0, SOURCE_SOUND_LEN);
	memcpy(packet, silence, sizeof silence);
}
