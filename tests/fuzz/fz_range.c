/* fz_range.c - a Range header: what is given lies within the file, whatever is asked */
#include "fuzz.h"
#include "signaling/range.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t file = 0;
	if (size < sizeof file)
		return 0;
	memcpy(&file, data, sizeof file);
	char *header = g_strndup((const char *)data + sizeof file, size - sizeof file);
	Range range;
	RangeVerdict verdict = range_read(header, file, &range);
	if (verdict == RANGE_PART) {
		g_assert(range.length > 0 && range.length <= file);
		g_assert(range.first <= file - range.length);
		g_assert(g_ascii_strncasecmp(header, "bytes=", 6) == 0);
		g_assert(!strchr(header, ','));
	} else {
		g_assert(range.first == 0 && range.length == file);
	}
	g_free(header);
	return 0;
}
