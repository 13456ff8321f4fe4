#include "ice.h"
#include "common/reader.h"
#include <netinet/in.h>
#include <openssl/rand.h>
#include <string.h>
#include <stun/stunagent.h>
#include <stun/usages/ice.h>

#define STUN_HEADER 20
#define STUN_COOKIE 0x2112a442u
#define STUN_FINGERPRINT_LEN 8
#define CHECK_MAX                                                                                  \
	548 /* no check is longer: RFC 8489 §6.1 keeps requests under the smallest MTU            \
	     */

/* ice-char of RFC 8839 §5.4 without + and /: 32 of them, so that 5 bits make one. */
static const char letters[33] = "abcdefghijklmnopqrstuvwxyz234567";

/* What the agent must know, or a check is answered 420 (media.md: it is zero-terminated). */
static const uint16_t known[] = { STUN_ATTRIBUTE_USERNAME, STUN_ATTRIBUTE_MESSAGE_INTEGRITY,
	STUN_ATTRIBUTE_PRIORITY, STUN_ATTRIBUTE_USE_CANDIDATE, STUN_ATTRIBUTE_ICE_CONTROLLED,
	STUN_ATTRIBUTE_ICE_CONTROLLING, STUN_ATTRIBUTE_FINGERPRINT, 0 };

struct Ice {
	StunAgent agent; /* 12,840 bytes: one a worker, never one a peer */
};

/* One look-up while libnice validates. */
typedef struct Judging {
	IceLookup lookup;
	void *user;
	char ufrag[ICE_UFRAG_LEN + 1];
} Judging;

static void random_letters(char *out, unsigned len)
{
	unsigned char random[32];
	g_assert(len <= sizeof random);
	if (RAND_bytes(random, (int)len) != 1)
		g_error("no random numbers");
	for (unsigned i = 0; i < len; i++)
		out[i] = letters[random[i] & 31];
	out[len] = 0;
}

void ice_credentials_make(IceCredentials *credentials, unsigned worker)
{
	random_letters(credentials->ufrag, ICE_UFRAG_LEN);
	credentials->ufrag[0] = letters[worker & 31];
	/* 24 letters of 5 bits: 120 bits; with the 35 of the ufrag 155 must be guessed. */
	random_letters(credentials->pwd, ICE_PWD_LEN);
}

int ice_worker_of(const char *ufrag)
{
	const char *at = ufrag[0] ? strchr(letters, ufrag[0]) : NULL;
	return at && strlen(ufrag) == ICE_UFRAG_LEN ? (int)(at - letters) : -1;
}

Ice *ice_new(void)
{
	Ice *ice = g_new0(Ice, 1);
	stun_agent_init(&ice->agent, known, STUN_COMPATIBILITY_RFC5389,
		STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT);
	return ice;
}

void ice_free(Ice *ice)
{
	g_free(ice);
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

bool ice_is_stun(const uint8_t *data, size_t len)
{
	return len >= STUN_HEADER && data[0] <= 3 && get32(data + 4) == STUN_COOKIE;
}

/* A binding request, as long as it says, that ends in FINGERPRINT: nothing else is shown to
 * libnice. */
static bool is_check(const uint8_t *data, size_t len)
{
	size_t told = (size_t)data[2] << 8 | data[3];
	if (data[0] != 0x00 || data[1] != 0x01 || told % 4 || told + STUN_HEADER != len ||
		len < STUN_HEADER + STUN_FINGERPRINT_LEN || len > CHECK_MAX)
		return false;
	const uint8_t *last = data + len - STUN_FINGERPRINT_LEN;
	return last[0] == 0x80 && last[1] == 0x28 && last[2] == 0 && last[3] == 4;
}

int ice_worker_asked(const uint8_t *data, size_t len)
{
	char ufrag[ICE_UFRAG_LEN + 1];
	if (!ice_is_stun(data, len) || !is_check(data, len))
		return -1;
	Reader in = reader_of(data + STUN_HEADER, len - STUN_HEADER);
	while (reader_left(&in)) {
		uint16_t type = read_u16(&in);
		uint16_t told = read_u16(&in);
		const uint8_t *value = read_bytes(&in, told);
		read_skip(&in, (4 - told % 4) % 4);
		if (type != STUN_ATTRIBUTE_USERNAME || !in.ok)
			continue;
		if (told <= ICE_UFRAG_LEN || value[ICE_UFRAG_LEN] != ':')
			return -1;
		memcpy(ufrag, value, ICE_UFRAG_LEN);
		ufrag[ICE_UFRAG_LEN] = 0;
		return ice_worker_of(ufrag);
	}
	return -1;
}

static bool find_password(StunAgent *agent, StunMessage *message, uint8_t *username,
	uint16_t username_len, uint8_t **password, size_t *password_len, void *user)
{
	Judging *judging = user;
	const char *remote = NULL;
	/* USERNAME is OURS:THEIRS, RFC 8445 §7.2.2 */
	const uint8_t *colon = memchr(username, ':', username_len);
	size_t ours = colon ? (size_t)(colon - username) : 0;
	if (!ours || ours > ICE_UFRAG_LEN || ours + 1 >= username_len)
		return false;
	memcpy(judging->ufrag, username, ours);
	judging->ufrag[ours] = 0;
	const char *pwd = judging->lookup(judging->ufrag, &remote, judging->user);
	if (!pwd)
		return false;
	size_t theirs = username_len - ours - 1;
	if (remote && (strlen(remote) != theirs || memcmp(remote, colon + 1, theirs)))
		return false;
	*password = (uint8_t *)(uintptr_t)pwd;
	*password_len = strlen(pwd);
	return true;
}

static socklen_t unmapped(const struct sockaddr *from, struct sockaddr_storage *to)
{
	memset(to, 0, sizeof *to);
	if (from->sa_family == AF_INET) {
		memcpy(to, from, sizeof(struct sockaddr_in));
		return sizeof(struct sockaddr_in);
	}
	struct sockaddr_in6 v6;
	memcpy(&v6, from, sizeof v6);
	if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
		struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = v6.sin6_port };
		memcpy(&v4.sin_addr, v6.sin6_addr.s6_addr + 12, 4);
		memcpy(to, &v4, sizeof v4);
		return sizeof v4;
	}
	memcpy(to, &v6, sizeof v6);
	return sizeof v6;
}

IceVerdict ice_read(Ice *ice, const uint8_t *data, size_t len, const struct sockaddr *from,
	IceLookup lookup, void *user, IceCheck *check)
{
	Judging judging = { .lookup = lookup, .user = user };
	StunMessage request, reply;
	struct sockaddr_storage source;
	uint16_t attribute_len;
	bool control =
		false; /* with a tie of 0 a conflict is answered 487 and our role never flips */

	if (!ice_is_stun(data, len))
		return ICE_NOT_STUN;
	if (!is_check(data, len) ||
		stun_agent_validate(&ice->agent, &request, data, len, find_password, &judging) !=
			STUN_VALIDATION_SUCCESS ||
		!judging.ufrag[0] ||
		!stun_message_find(&request, STUN_ATTRIBUTE_MESSAGE_INTEGRITY, &attribute_len))
		return ICE_DROP;

	memset(check, 0, sizeof *check);
	g_strlcpy(check->ufrag, judging.ufrag, sizeof check->ufrag);
	memcpy(check->transaction, data + 8, sizeof check->transaction);
	check->nominated = stun_usage_ice_conncheck_use_candidate(&request);
	check->priority = stun_usage_ice_conncheck_priority(&request);

	size_t reply_len = sizeof check->reply;
	socklen_t source_len = unmapped(from, &source);
	StunUsageIceReturn done = stun_usage_ice_conncheck_create_reply(&ice->agent, &request,
		&reply, check->reply, &reply_len, &source, source_len, &control, 0,
		STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
	check->reply_len = (uint16_t)reply_len;
	if (done == STUN_USAGE_ICE_RETURN_SUCCESS)
		return ICE_CHECK;
	return done == STUN_USAGE_ICE_RETURN_ROLE_CONFLICT && reply_len ? ICE_CONFLICT : ICE_DROP;
}
