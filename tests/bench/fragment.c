#include "fragment.h"
#include <gio/gio.h>
#include <string.h>

char *fragment_write(const Offer *ours)
{
	/* RFC 8840 §4.4: the section that all are bundled in stands for the others. */
	return g_strdup_printf("a=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF %d\r\na=mid:0\r\n"
			       "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\n",
		OFFER_OPUS, ours->ufrag, ours->pwd);
}

/* RFC 8839 §5.4: letters, digits, + and /; max is the room for them and a zero. */
static bool is_credential(const char *value, size_t min, size_t max)
{
	size_t len = value ? strlen(value) : 0;
	for (size_t i = 0; i < len; i++)
		if (!g_ascii_isalnum(value[i]) && value[i] != '+' && value[i] != '/')
			return false;
	return len >= min && len < max;
}

bool fragment_read(Answer *answer, const char *fragment, GError **error)
{
	g_auto(GStrv) lines = g_strsplit(fragment, "\n", 1000);
	const char *ufrag = NULL, *pwd = NULL;
	for (unsigned i = 0; lines[i]; i++) {
		const char *line = g_strchomp(lines[i]);
		if (!ufrag && g_str_has_prefix(line, "a=ice-ufrag:"))
			ufrag = line + strlen("a=ice-ufrag:");
		else if (!pwd && g_str_has_prefix(line, "a=ice-pwd:"))
			pwd = line + strlen("a=ice-pwd:");
	}
	if (!is_credential(ufrag, FRAGMENT_UFRAG_MIN, sizeof answer->ufrag) ||
		!is_credential(pwd, FRAGMENT_PWD_MIN, sizeof answer->pwd)) {
		g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
			"the answer to the restart lacks credentials");
		return false;
	}
	g_strlcpy(answer->ufrag, ufrag, sizeof answer->ufrag);
	g_strlcpy(answer->pwd, pwd, sizeof answer->pwd);
	return true;
}
