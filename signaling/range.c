#include "range.h"
#include <glib.h>
#include <string.h>

/* Digits up to what is no digit; too large a number is the largest. False when there is none. */
static bool read_number(const char **at, uint64_t *number)
{
	const char *from = *at;
	*number = 0;
	for (; g_ascii_isdigit(**at); (*at)++) {
		unsigned digit = (unsigned)(**at - '0');
		*number = *number > (UINT64_MAX - digit) / 10 ? UINT64_MAX : *number * 10 + digit;
	}
	return *at > from;
}

static void skip_blanks(const char **at)
{
	while (**at == ' ' || **at == '\t')
		(*at)++;
}

RangeVerdict range_read(const char *header, uint64_t size, Range *range)
{
	const char *at = header;
	uint64_t first = 0, last = 0;
	*range = (Range){ .length = size };
	if (g_ascii_strncasecmp(at, "bytes=", 6) != 0)
		return RANGE_WHOLE;
	at += 6;
	skip_blanks(&at);
	bool has_first = read_number(&at, &first);
	if (*at++ != '-')
		return RANGE_WHOLE;
	bool has_last = read_number(&at, &last);
	skip_blanks(&at);
	if (*at || (!has_first && !has_last) || (has_first && has_last && first > last))
		return RANGE_WHOLE;
	if (!has_first) { /* the last so many */
		if (!last || !size)
			return RANGE_OUTSIDE;
		first = last < size ? size - last : 0;
		last = size - 1;
	}
	if (first >= size)
		return RANGE_OUTSIDE;
	last = has_last ? MIN(last, size - 1) : size - 1;
	*range = (Range){ first, last - first + 1 };
	return RANGE_PART;
}
