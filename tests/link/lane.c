#include "lane.h"

/* What a byte costs, in millionths of a bit: a line of n bit/s sends n of them in a microsecond, so
 * that every turn is whole numbers and no rate drifts. */
#define BYTE_COST 8000000

typedef struct Entry {
	LanePacket packet;
	uint64_t number; /* who came first, of those due at the same time */
} Entry;

struct Lane {
	LaneShape shape;
	LaneStats stats;
	/* One for each trait, so that more jitter does not lose other packets. */
	GRand *loses, *jitters, *reorders, *duplicates;
	GQueue waiting;
	int64_t waiting_bytes;
	int64_t sent;       /* of the first that waits */
	GSequence *flight;  /* sorted by due_us */
	int64_t at_us;      /* the waiting have been served up to here */
	int64_t stopped_us; /* nothing is served before */
	int64_t last_us[LANE_FLOWS + 1];
	uint64_t number;
	bool bad;
};

const LaneShape lane_plain = { .queue = { .us = LANE_QUEUE_US } };

static GRand *random_of(uint32_t seed, uint32_t trait)
{
	const guint32 seeds[] = { seed, trait };
	return g_rand_new_with_seed_array(seeds, G_N_ELEMENTS(seeds));
}

static void entry_free(gpointer data)
{
	Entry *entry = data;
	if (entry->packet.data)
		g_rc_box_release(entry->packet.data);
	g_free(entry);
}

Lane *lane_new(uint32_t seed)
{
	Lane *lane = g_new0(Lane, 1);
	lane->shape = lane_plain;
	lane->loses = random_of(seed, 1);
	lane->jitters = random_of(seed, 2);
	lane->reorders = random_of(seed, 3);
	lane->duplicates = random_of(seed, 4);
	lane->flight = g_sequence_new(entry_free);
	g_queue_init(&lane->waiting);
	return lane;
}

void lane_free(Lane *lane)
{
	if (!lane)
		return;
	g_queue_clear_full(&lane->waiting, entry_free);
	g_sequence_free(lane->flight);
	g_rand_free(lane->loses);
	g_rand_free(lane->jitters);
	g_rand_free(lane->reorders);
	g_rand_free(lane->duplicates);
	g_free(lane);
}

static bool happens(GRand *random, double share)
{
	return share > 0 && g_rand_double(random) < share;
}

/* Gilbert and Elliott: the state changes before each packet, then the state says how many are lost.
 */
static bool is_lost(Lane *lane)
{
	const LaneShape *shape = &lane->shape;
	if (lane->bad)
		lane->bad = !happens(lane->loses, shape->burst.leave);
	else
		lane->bad = happens(lane->loses, shape->burst.enter);
	bool in_burst = lane->bad && happens(lane->loses, shape->burst.loss);
	return happens(lane->loses, shape->loss) || in_burst;
}

/* The mean of three has just the spread of a bell that ends at three sigmas. */
static int64_t draw_jitter(Lane *lane)
{
	if (!lane->shape.jitter.us)
		return 0;
	double share = g_rand_double(lane->jitters);
	if (lane->shape.jitter.normal)
		share = (share + g_rand_double(lane->jitters) + g_rand_double(lane->jitters)) / 3;
	return (int64_t)(share * (double)lane->shape.jitter.us);
}

static int by_due(gconstpointer a, gconstpointer b, gpointer user)
{
	const Entry *one = a, *other = b;
	if (one->packet.due_us != other->packet.due_us)
		return one->packet.due_us < other->packet.due_us ? -1 : 1;
	return one->number < other->number ? -1 : one->number > other->number;
}

static void travel(Lane *lane, Entry *entry, int64_t due_us)
{
	entry->packet.due_us = due_us;
	entry->number = lane->number++;
	g_sequence_insert_sorted(lane->flight, entry, by_due, NULL);
}

static void travel_twice(Lane *lane, const Entry *entry)
{
	Entry *copy = g_memdup2(entry, sizeof *entry);
	if (copy->packet.data)
		g_rc_box_acquire(copy->packet.data);
	lane->stats.duplicated++;
	travel(lane, copy, entry->packet.due_us);
}

/* It has had its turn on the line. */
static void depart(Lane *lane, Entry *entry)
{
	const LaneShape *shape = &lane->shape;
	unsigned flow = entry->packet.flow;
	bool lost = is_lost(lane);
	if (lost && !flow) {
		lane->stats.lost++;
		entry_free(entry);
		return;
	}
	int64_t due_us = lane->at_us + shape->delay_us + draw_jitter(lane);
	if (lost) {
		due_us += LANE_STALL_US + 2 * shape->delay_us;
		lane->stats.stalled++;
	}
	if (!flow && happens(lane->reorders, shape->reorder.share)) {
		due_us += shape->reorder.us;
		lane->stats.reordered++;
	} else if (flow || !shape->unordered) {
		due_us = MAX(due_us, lane->last_us[flow]);
		lane->last_us[flow] = due_us;
	}
	travel(lane, entry, due_us);
	if (!flow && happens(lane->duplicates, shape->duplicate))
		travel_twice(lane, entry);
}

static int64_t cost_of(const Lane *lane)
{
	const Entry *first = lane->waiting.head->data;
	return first->packet.bytes * (int64_t)BYTE_COST - lane->sent;
}

/* Until the first that waits has had its turn, in whole microseconds: what is left of the last one
 * goes to the next. */
static int64_t turn_us(const Lane *lane)
{
	int64_t cost = cost_of(lane), rate = lane->shape.rate_bps;
	return rate && cost > 0 ? (cost + rate - 1) / rate : 0;
}

static void serve(Lane *lane, int64_t now_us)
{
	now_us = MAX(now_us, lane->at_us);
	lane->at_us = MAX(lane->at_us, MIN(now_us, lane->stopped_us));
	while (lane->at_us >= lane->stopped_us && lane->waiting.length) {
		int64_t takes_us = turn_us(lane), rate = lane->shape.rate_bps;
		if (takes_us > now_us - lane->at_us) {
			lane->sent += (now_us - lane->at_us) * rate;
			break;
		}
		lane->sent = rate ? takes_us * rate - cost_of(lane) : 0;
		lane->at_us += takes_us;
		Entry *entry = g_queue_pop_head(&lane->waiting);
		lane->waiting_bytes -= entry->packet.bytes;
		depart(lane, entry);
	}
	if (!lane->waiting.length)
		lane->sent = 0;
	lane->at_us = now_us;
}

void lane_set_shape(Lane *lane, const LaneShape *shape, int64_t now_us)
{
	serve(lane, now_us);
	lane->shape = *shape;
	lane->bad = lane->bad && shape->burst.enter > 0;
}

const LaneShape *lane_shape(const Lane *lane)
{
	return &lane->shape;
}

static void drop_waiting(Lane *lane)
{
	const Entry *first = g_queue_peek_head(&lane->waiting);
	if (first && !first->packet.flow)
		lane->sent = 0;
	for (GList *at = lane->waiting.head, *next; at; at = next) {
		Entry *entry = at->data;
		next = at->next;
		if (entry->packet.flow)
			continue;
		lane->waiting_bytes -= entry->packet.bytes;
		lane->stats.outage_dropped++;
		g_queue_delete_link(&lane->waiting, at);
		entry_free(entry);
	}
}

/* To be no earlier than the end of the outage leaves all in their order. */
static void drop_travelling(Lane *lane, int64_t now_us)
{
	GSequenceIter *at = g_sequence_get_begin_iter(lane->flight);
	while (!g_sequence_iter_is_end(at)) {
		GSequenceIter *next = g_sequence_iter_next(at);
		Entry *entry = g_sequence_get(at);
		unsigned flow = entry->packet.flow;
		if (entry->packet.due_us > now_us && flow) {
			entry->packet.due_us = MAX(entry->packet.due_us, lane->stopped_us);
			lane->last_us[flow] = MAX(lane->last_us[flow], entry->packet.due_us);
		} else if (entry->packet.due_us > now_us) {
			lane->stats.outage_dropped++;
			g_sequence_remove(at);
		}
		at = next;
	}
}

void lane_stop(Lane *lane, int64_t until_us, int64_t now_us)
{
	serve(lane, now_us);
	lane->stopped_us = until_us;
	if (until_us <= lane->at_us)
		return;
	drop_waiting(lane);
	drop_travelling(lane, lane->at_us);
}

/* Whether `parts` times what would wait then is within the limits. */
static bool has_room(const Lane *lane, int64_t more, int64_t parts)
{
	const LaneShape *shape = &lane->shape;
	int64_t bytes = lane->waiting_bytes + more;
	if (!lane->waiting.length)
		return true;
	if (shape->queue.bytes && bytes * parts > shape->queue.bytes)
		return false;
	return !shape->queue.us || !shape->rate_bps ||
	       (bytes * BYTE_COST - lane->sent) <= shape->queue.us * shape->rate_bps / parts;
}

bool lane_put(Lane *lane, const LanePacket *packet, int64_t now_us)
{
	g_assert(packet->flow <= LANE_FLOWS);
	serve(lane, now_us);
	lane->stats.in++;
	lane->stats.in_bytes += packet->bytes;
	unsigned on_way = lane->waiting.length + (unsigned)g_sequence_get_length(lane->flight);
	bool stopped = lane->at_us < lane->stopped_us;
	bool full = on_way >= LANE_PACKETS_MAX || !has_room(lane, packet->bytes, 1);
	if (!packet->flow && (stopped || full)) {
		if (stopped)
			lane->stats.outage_dropped++;
		else
			lane->stats.queue_dropped++;
		if (packet->data)
			g_rc_box_release(packet->data);
		return false;
	}
	Entry *entry = g_new0(Entry, 1);
	entry->packet = *packet;
	g_queue_push_tail(&lane->waiting, entry);
	lane->waiting_bytes += packet->bytes;
	serve(lane, now_us);
	return true;
}

bool lane_take(Lane *lane, LanePacket *packet, int64_t now_us)
{
	serve(lane, now_us);
	GSequenceIter *first = g_sequence_get_begin_iter(lane->flight);
	if (g_sequence_iter_is_end(first))
		return false;
	Entry *entry = g_sequence_get(first);
	if (entry->packet.due_us > now_us)
		return false;
	*packet = entry->packet;
	entry->packet.data = NULL;
	g_sequence_remove(first);
	lane->stats.delivered++;
	lane->stats.delivered_bytes += packet->bytes;
	return true;
}

int64_t lane_next_us(const Lane *lane)
{
	int64_t next_us = LANE_NEVER_US;
	GSequenceIter *first = g_sequence_get_begin_iter(lane->flight);
	if (!g_sequence_iter_is_end(first))
		next_us = ((const Entry *)g_sequence_get(first))->packet.due_us;
	if (lane->waiting.length)
		next_us = MIN(next_us, MAX(lane->at_us, lane->stopped_us) + turn_us(lane));
	return next_us;
}

bool lane_is_full(const Lane *lane)
{
	return !has_room(lane, 0, 2);
}

int64_t lane_queue_us(Lane *lane, int64_t now_us)
{
	serve(lane, now_us);
	int64_t rate = lane->shape.rate_bps;
	return rate ? (lane->waiting_bytes * BYTE_COST - lane->sent) / rate : 0;
}

const LaneStats *lane_stats(const Lane *lane)
{
	return &lane->stats;
}
