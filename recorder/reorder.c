#include "reorder.h"
#include <string.h>

typedef struct Track {
	uint64_t newest; /* extended number; begins high enough to count down from */
	uint64_t given;  /* 0: none yet */
	int64_t newest_us;
} Track;

struct Reorder {
	GSequence *kept;    /* of ReorderItem, in order */
	GHashTable *tracks; /* port → Track */
	size_t bytes;
	uint64_t doubles, late;
};

Reorder *reorder_new(void)
{
	Reorder *reorder = g_new0(Reorder, 1);
	reorder->kept = g_sequence_new(g_free);
	reorder->tracks = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	return reorder;
}

void reorder_free(Reorder *reorder)
{
	if (!reorder)
		return;
	g_sequence_free(reorder->kept);
	g_hash_table_unref(reorder->tracks);
	g_free(reorder);
}

static int compare(const void *a, const void *b, void *user)
{
	const ReorderItem *left = a, *right = b;
	if (left->time_us != right->time_us)
		return left->time_us < right->time_us ? -1 : 1;
	if (left->port != right->port)
		return left->port < right->port ? -1 : 1;
	return left->sequence < right->sequence ? -1 : left->sequence > right->sequence;
}

static Track *track_of(Reorder *reorder, uint16_t port, uint16_t sequence)
{
	Track *track = g_hash_table_lookup(reorder->tracks, GUINT_TO_POINTER(port));
	if (!track) {
		track = g_new0(Track, 1);
		track->newest = (UINT64_C(1) << 32) + sequence;
		track->newest_us = INT64_MIN;
		g_hash_table_insert(reorder->tracks, GUINT_TO_POINTER(port), track);
	}
	return track;
}

void reorder_add(Reorder *reorder, uint16_t port, uint16_t sequence, int64_t time_us,
	const uint8_t *rtp, uint16_t len)
{
	Track *track = track_of(reorder, port, sequence);
	uint64_t number =
		track->newest + (uint64_t)(int64_t)(int16_t)(sequence - (uint16_t)track->newest);
	/* A clock that steps back by some milliseconds between two reports must not turn the order
	 * of a track over. */
	if (number > track->newest) {
		track->newest = number;
		time_us = MAX(time_us, track->newest_us);
	} else if (track->newest_us != INT64_MIN) {
		time_us = MIN(time_us, track->newest_us);
	}
	track->newest_us = MAX(track->newest_us, time_us);
	if (track->given && number <= track->given) {
		reorder->late++;
		return;
	}
	ReorderItem *item = g_malloc(sizeof *item + len);
	*item = (ReorderItem){ .port = port, .len = len, .sequence = number, .time_us = time_us };
	memcpy(item->rtp, rtp, len);
	GSequenceIter *place = g_sequence_search(reorder->kept, item, compare, NULL);
	GSequenceIter *before = g_sequence_iter_prev(place);
	if (before != place) {
		const ReorderItem *other = g_sequence_get(before);
		if (other->port == port && other->sequence == number) {
			reorder->doubles++;
			g_free(item);
			return;
		}
	}
	g_sequence_insert_before(place, item);
	reorder->bytes += sizeof *item + len;
}

ReorderItem *reorder_take(Reorder *reorder, int64_t before_us)
{
	GSequenceIter *first = g_sequence_get_begin_iter(reorder->kept);
	if (g_sequence_iter_is_end(first))
		return NULL;
	ReorderItem *item = g_sequence_get(first);
	if (item->time_us >= before_us && reorder->bytes <= REORDER_BYTES_MAX)
		return NULL;
	ReorderItem *copy = g_memdup2(item, sizeof *item + item->len);
	g_sequence_remove(first);
	reorder->bytes -= sizeof *copy + copy->len;
	track_of(reorder, copy->port, 0)->given = copy->sequence;
	return copy;
}

uint64_t reorder_doubles(const Reorder *reorder)
{
	return reorder->doubles;
}

uint64_t reorder_late(const Reorder *reorder)
{
	return reorder->late;
}
