#include "id.h"
#include <glib.h>
#include <string.h>
#include <sys/random.h>

void id_encode(const uint8_t bytes[ID_BYTES], char id[ID_SIZE])
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	unsigned bits = 0, held = 0, at = 0;
	for (unsigned i = 0; i < ID_BYTES; i++) {
		bits = bits << 8 | bytes[i];
		held += 8;
		while (held >= 6) {
			held -= 6;
			id[at++] = letters[bits >> held & 63];
		}
	}
	id[at++] = letters[bits << (6 - held) & 63];
	id[at] = '\0';
}

void id_make(char id[ID_SIZE])
{
	uint8_t bytes[ID_BYTES];
	/* 16 bytes come whole once the kernel's pool is ready, which is before any daemon. */
	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		g_error("id: the kernel gives no random bytes");
	id_encode(bytes, id);
}

bool id_is_valid(const char *id)
{
	if (!id || strlen(id) != ID_LEN)
		return false;
	for (; *id; id++) {
		if (!g_ascii_isalnum(*id) && *id != '-' && *id != '_')
			return false;
	}
	return true;
}
