#include "params.h"
#include <string.h>

static const char *const slot_names[SLOT_COUNT] = { "a0", "a1", "a2", "main", "slides" };
static const char *const source_names[SOURCE_COUNT] = { "mic", "camera", "screen" };

const char *slot_name(SlotName slot)
{
	return slot_names[slot];
}

const char *source_name(Source source)
{
	return source_names[source];
}

Source source_of(const char *name)
{
	for (unsigned i = 0; i < SOURCE_COUNT; i++)
		if (!strcmp(name, source_names[i]))
			return (Source)i;
	return SOURCE_COUNT;
}

uint32_t codec_clock_rate(Codec codec)
{
	return codec == CODEC_OPUS ? 48000 : 90000;
}
