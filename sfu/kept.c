#include "kept.h"
#include <string.h>

typedef struct Entry {
	int32_t transport_cc;
	uint16_t sequence;
	uint16_t len; /* 0: nothing */
	uint8_t data[KEPT_LEN_MAX];
} Entry;

struct Kept {
	Entry entries[KEPT_PACKETS]; /* by number modulo size */
};

Kept *kept_new(void)
{
	return g_new0(Kept, 1);
}

void kept_free(Kept *kept)
{
	g_free(kept);
}

void kept_add(Kept *kept, uint16_t sequence, int32_t transport_cc, const uint8_t *data, size_t len)
{
	Entry *entry = &kept->entries[sequence % KEPT_PACKETS];
	entry->sequence = sequence;
	entry->transport_cc = transport_cc;
	entry->len = len <= KEPT_LEN_MAX ? (uint16_t)len : 0;
	if (entry->len)
		memcpy(entry->data, data, len);
}

bool kept_find(const Kept *kept, uint16_t sequence, KeptPacket *packet)
{
	const Entry *entry = &kept->entries[sequence % KEPT_PACKETS];
	if (!entry->len || entry->sequence != sequence)
		return false;
	*packet = (KeptPacket){
		.data = entry->data, .len = entry->len, .transport_cc = entry->transport_cc
	};
	return true;
}
