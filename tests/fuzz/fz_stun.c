/* fz_stun.c - any datagram at the STUN gate */
#include "fuzz.h"
#include "sfu/ice.h"
#include <netinet/in.h>

static const char *look_up(const char *ufrag, const char **remote_ufrag, void *user)
{
	*remote_ufrag = NULL;
	return "VOkJxbRl1RmTxUk/WvJxBt";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static Ice *ice;
	struct sockaddr_in from = { .sin_family = AF_INET };
	IceCheck check;
	if (!ice)
		ice = ice_new();
	IceVerdict verdict =
		ice_read(ice, data, size, (struct sockaddr *)&from, look_up, NULL, &check);
	if (verdict == ICE_CHECK && check.reply_len > size + 8)
		__builtin_trap(); /* an amplifier */
	int worker = ice_worker_asked(data, size);
	if (worker < -1 || worker > 31 || (worker >= 0 && verdict == ICE_NOT_STUN))
		__builtin_trap();
	return 0;
}
