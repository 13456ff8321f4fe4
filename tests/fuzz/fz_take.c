/* fz_take.c - what recovery reads from a disk: a part, or the lines of an index */
#include "fuzz.h"
#include "recorder/pcap.h"
#include "recorder/take_state.h"

static void on_packet(const PcapSeen *seen, void *user)
{
	g_assert(seen->time_ns >= 0);
	++*(unsigned *)user;
}

static void read_capture(const uint8_t *data, size_t size)
{
	unsigned packets = 0, again = 0;
	FILE *file = fmemopen((void *)(uintptr_t)data, size, "r");
	uint64_t good = pcap_scan(file, 0, on_packet, &packets);
	fclose(file);
	g_assert(good <= size && (good || !packets));
	if (!good)
		return;
	/* What is good stays good without its tail. */
	file = fmemopen((void *)(uintptr_t)data, good, "r");
	g_assert(pcap_scan(file, 0, on_packet, &again) == good && again == packets);
	fclose(file);
}

static void read_index_line(const uint8_t *data, size_t size)
{
	json_t *line = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	g_autoptr(TakeState) state = take_state_new();
	if (json_is_object(line) && take_state_learn(state, line)) {
		g_assert(strlen(state->stage) <= TAP_WORD_MAX);
		uint16_t port = take_state_add(state, 1);
		g_assert(!port || (port >= TAKE_PORT_FIRST && port <= TAKE_PORT_LAST));
	}
	json_decref(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size && data[0] == '{')
		read_index_line(data, size);
	else if (size)
		read_capture(data, size);
	return 0;
}
