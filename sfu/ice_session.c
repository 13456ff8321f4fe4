#include "ice_session.h"
#include <string.h>

void ice_session_init(IceSession *session, const IceGeneration *first)
{
	*session = (IceSession){ .current = *first };
}

void ice_session_restart(
	IceSession *session, const IceGeneration *next, char gone[ICE_UFRAG_LEN + 1])
{
	g_strlcpy(gone, session->next.local.ufrag, ICE_UFRAG_LEN + 1);
	session->next = *next;
}

static bool is_of(const IceGeneration *generation, const char *ufrag)
{
	return generation->local.ufrag[0] && !strcmp(generation->local.ufrag, ufrag);
}

const IceGeneration *ice_session_find(const IceSession *session, const char *ufrag)
{
	if (is_of(&session->next, ufrag))
		return &session->next;
	return is_of(&session->current, ufrag) ? &session->current : NULL;
}

bool ice_session_checked(IceSession *session, const char *ufrag, char gone[ICE_UFRAG_LEN + 1])
{
	if (!is_of(&session->next, ufrag))
		return false;
	g_strlcpy(gone, session->current.local.ufrag, ICE_UFRAG_LEN + 1);
	session->current = session->next;
	session->next = (IceGeneration){ 0 };
	return true;
}
