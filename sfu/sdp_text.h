/* sdp_text.h - the words, numbers and lines that SDP is made of, and what is said of bad ones
 *
 * What Reader is to bytes this is to the lines of an offer: small steps over text that came from
 * outside, none of which can run over its end. The text is a copy of ours, cut up in place. */
#pragma once
#include <gio/gio.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef struct Line {
	char type;
	const char *name;  /* of a=name:value, else "" */
	const char *value; /* "" if there is none */
} Line;

typedef struct Lines {
	const Line *line;
	unsigned count;
} Lines;

/* Sentences for a person, of why: it cannot be read; it can, but not be served. */
void sdp_malformed(GError **error, const char *why);
void sdp_refused(GError **error, const char *why);

/* A copy of text that sdp_text_cut() may cut up; NULL with error if it is too long or has control
 * characters. Free with g_free. */
char *sdp_text_take(const char *text, size_t len, GError **error);
/* The Lines of text, cut in place; they borrow from it. Free the array. */
GArray *sdp_text_cut(char *text, GError **error);

/* Steps past the next word; NULL at the end. The words of a line are parted by single spaces, but
 * not every stack counts them. */
static inline char *next_word(char **at)
{
	*at += strspn(*at, " ");
	if (!**at)
		return NULL;
	char *word = *at;
	*at += strcspn(*at, " ");
	if (**at)
		*(*at)++ = '\0';
	return word;
}

/* Copies what is visible and fits; false (and "") if that is not all of it. */
static inline bool copy(char *to, size_t size, const char *from)
{
	size_t len = strlen(from);
	to[0] = '\0';
	if (len >= size)
		return false;
	for (size_t i = 0; i < len; i++)
		if (from[i] <= ' ' || from[i] >= 0x7f)
			return false;
	memcpy(to, from, len + 1);
	return true;
}

/* A decimal or hexadecimal number that ends with the text or before one of `ends`. */
static inline bool number(
	const char *text, unsigned base, uint64_t max, const char *ends, uint64_t *value)
{
	if (!(base == 16 ? g_ascii_isxdigit(*text) : g_ascii_isdigit(*text)))
		return false;
	char *end;
	uint64_t read = g_ascii_strtoull(text, &end, base);
	if (read > max || (*end && !strchr(ends, *end)))
		return false;
	*value = read;
	return true;
}

static inline bool all_of(const char *text, const char *extra)
{
	for (; *text; text++)
		if (!g_ascii_isalnum(*text) && !strchr(extra, *text))
			return false;
	return true;
}

/* The value of key=value in a list parted by semicolons; NULL if it is not there. */
static inline const char *parameter(const char *list, const char *key)
{
	size_t len = strlen(key);
	while (list && *list) {
		list += strspn(list, " ;");
		if (!g_ascii_strncasecmp(list, key, len) && list[len] == '=')
			return list + len + 1;
		list = strchr(list, ';');
	}
	return NULL;
}

static inline uint64_t parameter_number(
	const char *list, const char *key, unsigned base, uint64_t max)
{
	const char *text = parameter(list, key);
	uint64_t value = 0;
	if (text)
		number(text, base, max, "; ", &value);
	return value;
}

/* The first attribute of this name, NULL if there is none. */
static inline const char *find(Lines in, const char *name)
{
	for (unsigned i = 0; i < in.count; i++)
		if (in.line[i].type == 'a' && !strcmp(in.line[i].name, name))
			return in.line[i].value;
	return NULL;
}

/* That of the section, or else the session's, which is the default for all. */
static inline const char *find_or_default(Lines section, Lines session, const char *name)
{
	const char *value = find(section, name);
	return value ? value : find(session, name);
}
