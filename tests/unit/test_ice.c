/* Only an authentic, whole, well-formed check is answered, and never with more than it brought. */
#include "seed.h"
#include "sfu/ice.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <stun/stunagent.h>
#include <stun/usages/ice.h>

#define PWD "VOkJxbRl1RmTxUk/WvJxBt"

/* RFC 5769 §2.1 */
static const uint8_t vector[] = { 0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7,
	0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x10, 0x53, 0x54,
	0x55, 0x4e, 0x20, 0x74, 0x65, 0x73, 0x74, 0x20, 0x63, 0x6c, 0x69, 0x65, 0x6e, 0x74, 0x00,
	0x24, 0x00, 0x04, 0x6e, 0x00, 0x01, 0xff, 0x80, 0x29, 0x00, 0x08, 0x93, 0x2f, 0xf9, 0xb1,
	0x51, 0x26, 0x3b, 0x36, 0x00, 0x06, 0x00, 0x09, 0x65, 0x76, 0x74, 0x6a, 0x3a, 0x68, 0x36,
	0x76, 0x59, 0x20, 0x20, 0x20, 0x00, 0x08, 0x00, 0x14, 0x9a, 0xea, 0xa7, 0x0c, 0xbf, 0xd8,
	0xcb, 0x56, 0x78, 0x1e, 0xf2, 0xb5, 0xb2, 0xd3, 0xf2, 0x49, 0xc1, 0xb5, 0x71, 0xa2, 0x80,
	0x28, 0x00, 0x04, 0xe5, 0x7a, 0x3b, 0xcf };

/* RFC 5769 §2.2: a response, which nobody asked us to take */
static const uint8_t response[] = { 0x01, 0x01, 0x00, 0x3c, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7,
	0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 0x74,
	0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63, 0x74, 0x6f, 0x72, 0x20, 0x00, 0x20, 0x00, 0x08,
	0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43, 0x00, 0x08, 0x00, 0x14, 0x2b, 0x91, 0xf5,
	0x99, 0xfd, 0x9e, 0x90, 0xc3, 0x8c, 0x74, 0x89, 0xf9, 0x2a, 0xf9, 0xba, 0x53, 0xf0, 0x6b,
	0xe7, 0xd7, 0x80, 0x28, 0x00, 0x04, 0xc0, 0x7d, 0x4c, 0x96 };

static Ice *ice;
static struct sockaddr_in from = { .sin_family = AF_INET };

static const char *look_up(const char *ufrag, const char **remote_ufrag, void *user)
{
	if (strcmp(ufrag, "evtj"))
		return NULL;
	*remote_ufrag = user;
	return PWD;
}

static IceVerdict judge(const uint8_t *data, size_t len, const char *remote, IceCheck *check)
{
	return ice_read(ice, data, len, (struct sockaddr *)&from, look_up,
		(void *)(uintptr_t)remote, check);
}

static void test_vectors(void)
{
	IceCheck check;
	/* It claims to be controlled, as we are: authentic, and told so with 487. */
	g_assert_cmpint(judge(vector, sizeof vector, "h6vY", &check), ==, ICE_CONFLICT);
	g_assert_cmpstr(check.ufrag, ==, "evtj");
	g_assert_cmpuint(check.priority, ==, 0x6e0001ff);
	g_assert_cmpint(judge(vector, sizeof vector, NULL, &check), ==, ICE_CONFLICT);
	g_assert_cmpint(judge(vector, sizeof vector, "h6vZ", &check), ==, ICE_DROP);
	g_assert_cmpint(judge(response, sizeof response, "h6vY", &check), ==, ICE_DROP);
}

static void test_any_bit(void)
{
	IceCheck check;
	for (unsigned bit = 0; bit < sizeof vector * 8; bit++) {
		uint8_t flipped[sizeof vector];
		memcpy(flipped, vector, sizeof vector);
		flipped[bit / 8] ^= (uint8_t)(1 << bit % 8);
		IceVerdict verdict = judge(flipped, sizeof flipped, "h6vY", &check);
		if (verdict != ICE_DROP && verdict != ICE_NOT_STUN)
			g_error("bit %u may be flipped", bit);
	}
	for (size_t len = 0; len < sizeof vector; len++)
		g_assert_cmpint(judge(vector, len, "h6vY", &check), !=, ICE_CONFLICT);
	uint8_t trailing[sizeof vector + 4] = { 0 };
	memcpy(trailing, vector, sizeof vector);
	g_assert_cmpint(judge(trailing, sizeof trailing, "h6vY", &check), ==, ICE_DROP);
}

/* A check as a full agent makes it. flags: what the agent leaves out. */
static size_t make_check(uint8_t *data, size_t size, const char *username, const char *password,
	bool nominate, StunAgentUsageFlags flags, StunAgent *agent, StunMessage *message)
{
	static const uint16_t known[] = { STUN_ATTRIBUTE_USERNAME, STUN_ATTRIBUTE_MESSAGE_INTEGRITY,
		STUN_ATTRIBUTE_PRIORITY, STUN_ATTRIBUTE_USE_CANDIDATE,
		STUN_ATTRIBUTE_ICE_CONTROLLED, STUN_ATTRIBUTE_ICE_CONTROLLING,
		STUN_ATTRIBUTE_FINGERPRINT, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS, 0 };
	stun_agent_init(agent, known, STUN_COMPATIBILITY_RFC5389, flags);
	return stun_usage_ice_conncheck_create(agent, message, data, size,
		(const uint8_t *)username, strlen(username), (const uint8_t *)password,
		strlen(password), nominate, true, 1234, 77, NULL,
		STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
}

static const StunAgentUsageFlags whole =
	STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT;

static void test_answers(void)
{
	uint8_t data[300];
	StunAgent agent;
	StunMessage message, reply;
	IceCheck check;
	static const struct {
		const char *address;
		int family;
	} sources[] = { { "192.0.2.7", AF_INET }, { "::ffff:192.0.2.7", AF_INET6 },
		{ "2001:db8::7", AF_INET6 } };
	for (unsigned i = 0; i < G_N_ELEMENTS(sources); i++) {
		struct sockaddr_storage source = { .ss_family = (sa_family_t)sources[i].family };
		struct sockaddr_in *v4 = (struct sockaddr_in *)&source;
		struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&source;
		v4->sin_port = htons(5000);
		inet_pton(sources[i].family, sources[i].address,
			sources[i].family == AF_INET ? (void *)&v4->sin_addr
						     : (void *)&v6->sin6_addr);
		size_t len = make_check(
			data, sizeof data, "evtj:h6vY", PWD, i == 1, whole, &agent, &message);
		g_assert_cmpint(ice_read(ice, data, len, (struct sockaddr *)&source, look_up,
					(void *)"h6vY", &check),
			==, ICE_CHECK);
		g_assert_cmpint(check.nominated, ==, i == 1);
		g_assert_cmpuint(check.priority, >, 0);
		g_assert_cmpuint(check.reply_len, <=, len + 8);

		struct sockaddr_storage mapped;
		socklen_t mapped_len = sizeof mapped;
		g_assert_cmpint(stun_agent_validate(
					&agent, &reply, check.reply, check.reply_len, NULL, NULL),
			==, STUN_VALIDATION_SUCCESS);
		g_assert_cmpint(stun_usage_ice_conncheck_process(&reply, &mapped, &mapped_len,
					STUN_USAGE_ICE_COMPATIBILITY_RFC5245),
			==, STUN_USAGE_ICE_RETURN_SUCCESS);
		char text[INET6_ADDRSTRLEN];
		const void *ip = mapped.ss_family == AF_INET
					 ? (void *)&((struct sockaddr_in *)&mapped)->sin_addr
					 : (void *)&((struct sockaddr_in6 *)&mapped)->sin6_addr;
		g_assert_cmpstr(inet_ntop(mapped.ss_family, ip, text, sizeof text), ==,
			i < 2 ? "192.0.2.7" : "2001:db8::7");
	}
}

static void test_drops(void)
{
	uint8_t data[300];
	StunAgent agent;
	StunMessage message;
	IceCheck check;
	size_t len = make_check(data, sizeof data, "evtj:h6vY", "another password 12345", true,
		whole, &agent, &message);
	g_assert_cmpint(judge(data, len, "h6vY", &check), ==, ICE_DROP);
	len = make_check(data, sizeof data, "evtk:h6vY", PWD, true, whole, &agent, &message);
	g_assert_cmpint(judge(data, len, "h6vY", &check), ==, ICE_DROP);
	len = make_check(data, sizeof data, "evtj:h6vYx", PWD, true, whole, &agent, &message);
	g_assert_cmpint(judge(data, len, "h6vY", &check), ==, ICE_DROP);
	len = make_check(data, sizeof data, "evtj", PWD, true, whole, &agent, &message);
	g_assert_cmpint(judge(data, len, "h6vY", &check), ==, ICE_DROP);
	len = make_check(data, sizeof data, "evtj:h6vY", PWD, true,
		STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS, &agent, &message);
	g_assert_cmpint(judge(data, len, "h6vY", &check), ==, ICE_DROP); /* no FINGERPRINT */

	stun_agent_init_indication(&agent, &message, data, sizeof data, STUN_BINDING);
	len = stun_agent_finish_message(&agent, &message, NULL, 0);
	g_assert_cmpint(judge(data, len, "h6vY", &check), ==, ICE_DROP);
}

static void test_noise(void)
{
	g_autoptr(GRand) random = seeded_random();
	IceCheck check;
	for (unsigned i = 0; i < 100000; i++) {
		uint8_t data[200];
		size_t len = (size_t)g_rand_int_range(random, 0, sizeof data);
		for (size_t b = 0; b < len; b++)
			data[b] = (uint8_t)g_rand_int(random);
		if (len >= 20 && i % 2) {
			memcpy(data, vector, 8);
			data[2] = (uint8_t)((len - 20) >> 8);
			data[3] = (uint8_t)(len - 20);
		}
		IceVerdict verdict = judge(data, len, "h6vY", &check);
		g_assert_true(verdict == ICE_DROP || verdict == ICE_NOT_STUN);
	}
}

static void test_asked(void)
{
	uint8_t data[300];
	StunAgent agent;
	StunMessage message;
	for (unsigned worker = 0; worker < 32; worker++) {
		IceCredentials ours;
		ice_credentials_make(&ours, worker);
		g_autofree char *username = g_strconcat(ours.ufrag, ":h6vY", NULL);
		size_t len = make_check(
			data, sizeof data, username, ours.pwd, true, whole, &agent, &message);
		g_assert_cmpint(ice_worker_asked(data, len), ==, (int)worker);
		for (size_t less = 0; less < len; less++)
			g_assert_cmpint(ice_worker_asked(data, less), ==, -1);
		username[ICE_UFRAG_LEN] = 'a'; /* too long to be ours */
		len = make_check(
			data, sizeof data, username, ours.pwd, true, whole, &agent, &message);
		g_assert_cmpint(ice_worker_asked(data, len), ==, -1);
	}
	g_assert_cmpint(ice_worker_asked(vector, sizeof vector), ==, -1);
	g_assert_cmpint(ice_worker_asked(response, sizeof response), ==, -1);
}

static void test_credentials(void)
{
	IceCredentials a, b;
	for (unsigned worker = 0; worker < 32; worker++) {
		ice_credentials_make(&a, worker);
		ice_credentials_make(&b, worker);
		g_assert_cmpint(ice_worker_of(a.ufrag), ==, (int)worker);
		g_assert_cmpuint(strlen(a.ufrag), ==, ICE_UFRAG_LEN);
		g_assert_cmpuint(strlen(a.pwd), ==, ICE_PWD_LEN);
		g_assert_cmpstr(a.ufrag, !=, b.ufrag);
		g_assert_cmpstr(a.pwd, !=, b.pwd);
	}
	g_assert_cmpint(ice_worker_of("evtj"), ==, -1);
	g_assert_cmpint(ice_worker_of(""), ==, -1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ice = ice_new();
	g_test_add_func("/ice/knows-the-vectors-of-rfc-5769", test_vectors);
	g_test_add_func("/ice/no-bit-may-be-flipped-and-no-byte-missing-or-added", test_any_bit);
	g_test_add_func("/ice/answers-with-the-address-it-saw", test_answers);
	g_test_add_func("/ice/false-checks-are-dropped", test_drops);
	g_test_add_func("/ice/noise-is-dropped", test_noise);
	g_test_add_func("/ice/a-check-names-its-worker", test_asked);
	g_test_add_func("/ice/credentials-name-their-worker", test_credentials);
	int result = g_test_run();
	ice_free(ice);
	return result;
}
