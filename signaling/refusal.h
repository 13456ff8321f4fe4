/* refusal.h - every No that a person can get, with its word and its sentence
 *
 * `reason` is what programs act on (docs/API.md §2.3), `message` what the screen shows, in
 * Vietnamese. Constants; a function that may refuse returns one, NULL for yes. */
#pragma once

typedef struct Refusal {
	int code; /* as in common/rpc.h */
	const char *reason;
	const char *message;
	unsigned retry_ms; /* 0: do not come back by yourself */
} Refusal;

extern const Refusal REFUSE_BAD_TOKEN, REFUSE_REVOKED, REFUSE_ASK_LINK, REFUSE_NOT_ALLOWED,
	REFUSE_SEATED_ALREADY, REFUSE_NOT_ON_STAGE, REFUSE_SEAT_NOT_ON_STAGE, REFUSE_NOT_SEATED,
	REFUSE_SEAT_AWAY, REFUSE_WAITING, REFUSE_WAITING_FULL, REFUSE_BAD_OFFER, REFUSE_STAGE_FULL,
	REFUSE_QUEUE_FULL, REFUSE_TOO_FAST, REFUSE_MEDIA_BUSY, REFUSE_ROOM_FULL, REFUSE_NO_SEAT,
	REFUSE_NOBODY_WAITS, REFUSE_NO_FORUM, REFUSE_NO_PEER, REFUSE_BAD_PARAMS, REFUSE_BAD_MESSAGE,
	REFUSE_MEDIA_AWAY, REFUSE_UNKNOWN_METHOD, REFUSE_TOO_LARGE, REFUSE_STORE,
	REFUSE_ON_STAGE_ALREADY, REFUSE_TOO_MANY_FORUMS, REFUSE_TOO_MANY_SITES;
