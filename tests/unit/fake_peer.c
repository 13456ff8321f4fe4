#include "fake_peer.h"
#include "sfu/rtcp.h"
#include "sfu/rtp.h"
#include "sfu/seal.h"
#include "sfu/srtcp.h"
#include "sfu/srtp.h"
#include "sfu/vp8.h"
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>
#include <stun/stunagent.h>
#include <stun/usages/ice.h>
#include <unistd.h>

#define CHECK_US 50000
#define LAYERS 3
#define ASKS_MAX 20
#define REPAIRS 97 /* payload type */
#define RID_EXTENSION 4
#define REPAIRED_RID_EXTENSION 5

struct FakePeer {
	Role role;
	bool tcp, layered;
	int fd;
	char username[300], pwd[300];
	bool checked;
	int64_t checked_us;
	SSL_CTX *ctx;
	SSL *ssl;
	BIO *in, *out;
	char fingerprint[32 * 3];
	Srtp *srtp;
	Srtcp *srtcp;
	Seal *seal;
	uint64_t indexes[1 + LAYERS]; /* of sound, and of each layer of the picture */
	uint64_t repairs[LAYERS];
	uint8_t *seen; /* of numbers, a bit a kind */
	FakeStream streams[2];
	unsigned lose_every; /* 0: nothing */
	struct {
		uint8_t data[300];
		size_t len; /* 0: none */
		unsigned asks;
	} lost;              /* sealed, as it was */
	uint8_t line[65536]; /* read of a TCP line */
	size_t line_len;
};

static unsigned kind_of(uint8_t payload_type)
{
	return payload_type == FAKE_PICTURE;
}

static void make_identity(FakePeer *peer)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	unsigned char digest[32];
	unsigned len = 0;
	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_set_pubkey(certificate, key);
	X509_sign(certificate, key, EVP_sha256());
	X509_digest(certificate, EVP_sha256(), digest, &len);
	for (unsigned i = 0; i < len; i++)
		g_snprintf(peer->fingerprint + 3 * i, 4, i + 1 < len ? "%02X:" : "%02X", digest[i]);
	SSL_CTX_use_certificate(peer->ctx, certificate);
	SSL_CTX_use_PrivateKey(peer->ctx, key);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

FakePeer *fake_peer_new(Role role, bool tcp)
{
	FakePeer *peer = g_new0(FakePeer, 1);
	peer->role = role;
	peer->tcp = tcp;
	peer->fd = -1;
	peer->seen = g_malloc0(FAKE_NUMBERS_MAX);
	peer->ctx = SSL_CTX_new(DTLS_client_method());
	make_identity(peer);
	SSL_CTX_set_tlsext_use_srtp(peer->ctx, "SRTP_AEAD_AES_128_GCM");
	peer->ssl = SSL_new(peer->ctx);
	peer->in = BIO_new(BIO_s_mem());
	peer->out = BIO_new(BIO_s_mem());
	BIO_set_mem_eof_return(peer->in, -1);
	SSL_set_bio(peer->ssl, peer->in, peer->out);
	SSL_set_options(peer->ssl, SSL_OP_NO_QUERY_MTU);
	SSL_set_mtu(peer->ssl, 1200);
	SSL_set_connect_state(peer->ssl);
	return peer;
}

void fake_peer_free(FakePeer *peer)
{
	if (!peer)
		return;
	if (peer->fd >= 0)
		close(peer->fd);
	SSL_free(peer->ssl);
	SSL_CTX_free(peer->ctx);
	srtp_free(peer->srtp);
	srtcp_free(peer->srtcp);
	seal_free(peer->seal);
	g_free(peer->seen);
	g_free(peer);
}

void fake_peer_use_layers(FakePeer *peer)
{
	peer->layered = true;
}

char *fake_peer_offer(FakePeer *peer)
{
	static const char layers[] =
		"a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n"
		"a=extmap:5 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n"
		"a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
		"a=rid:q send\r\na=rid:h send\r\na=rid:f send\r\na=simulcast:send q;h;f\r\n";
	const char *direction = peer->role == ROLE_PUBLISHER ? "sendonly" : "recvonly";
	g_autofree char *both = g_strdup_printf("c=IN IP4 0.0.0.0\r\na=%s\r\na=ice-ufrag:fake\r\n"
						"a=ice-pwd:abcdefghijklmnopqrstuv\r\n"
						"a=fingerprint:sha-256 %s\r\na=setup:actpass\r\n"
						"a=rtcp-mux\r\n",
		direction, peer->fingerprint);
	return g_strdup_printf("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
			       "a=group:BUNDLE 0 1\r\n"
			       "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n%sa=mid:0\r\n"
			       "a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 nack\r\n"
			       "m=video 9 UDP/TLS/RTP/SAVPF 96%s\r\n%sa=mid:1\r\n"
			       "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\n"
			       "a=rtcp-fb:96 nack pli\r\n%s",
		both, peer->layered ? " 97" : "", both, peer->layered ? layers : "");
}

static void take_value(const char *answer, const char *name, char *value, size_t size)
{
	const char *at = strstr(answer, name);
	g_assert_nonnull(at);
	at += strlen(name);
	g_strlcpy(value, at, MIN(size, strcspn(at, "\r\n") + 1));
}

static void dial(FakePeer *peer, int port)
{
	const struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int on = 1;
	if (peer->fd >= 0)
		close(peer->fd);
	peer->line_len = 0;
	peer->checked_us = 0;
	peer->fd = socket(AF_INET, peer->tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
	if (peer->tcp)
		setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	g_assert_cmpint(connect(peer->fd, (const struct sockaddr *)&to, sizeof to), ==, 0);
}

void fake_peer_restart(FakePeer *peer, const char *fragment, const char *own_ufrag, int port)
{
	char ufrag[280];
	take_value(fragment, "a=ice-ufrag:", ufrag, sizeof ufrag);
	take_value(fragment, "a=ice-pwd:", peer->pwd, sizeof peer->pwd);
	g_snprintf(peer->username, sizeof peer->username, "%s:%s", ufrag, own_ufrag);
	dial(peer, port);
}

void fake_peer_answer(FakePeer *peer, const char *answer, int port)
{
	fake_peer_restart(peer, answer, "fake", port);
}

FakePeer *fake_peer_ghost(const FakePeer *peer, int port)
{
	FakePeer *ghost = fake_peer_new(peer->role, peer->tcp);
	memcpy(ghost->username, peer->username, sizeof ghost->username);
	memcpy(ghost->pwd, peer->pwd, sizeof ghost->pwd);
	dial(ghost, port);
	return ghost;
}

static void say(FakePeer *peer, const uint8_t *data, size_t len)
{
	uint8_t framed[2000] = { (uint8_t)(len >> 8), (uint8_t)len };
	if (!peer->tcp) {
		(void)!send(peer->fd, data, len, MSG_NOSIGNAL);
		return;
	}
	g_assert_cmpuint(len, <=, sizeof framed - 2);
	memcpy(framed + 2, data, len);
	(void)!send(peer->fd, framed, len + 2, MSG_NOSIGNAL);
}

static void say_check(FakePeer *peer)
{
	static const uint16_t known[] = { STUN_ATTRIBUTE_USERNAME, STUN_ATTRIBUTE_MESSAGE_INTEGRITY,
		STUN_ATTRIBUTE_PRIORITY, STUN_ATTRIBUTE_USE_CANDIDATE,
		STUN_ATTRIBUTE_ICE_CONTROLLED, STUN_ATTRIBUTE_ICE_CONTROLLING,
		STUN_ATTRIBUTE_FINGERPRINT, 0 };
	StunAgent agent;
	StunMessage message;
	uint8_t data[500];
	stun_agent_init(&agent, known, STUN_COMPATIBILITY_RFC5389,
		STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT);
	size_t len = stun_usage_ice_conncheck_create(&agent, &message, data, sizeof data,
		(const uint8_t *)peer->username, strlen(peer->username), (const uint8_t *)peer->pwd,
		strlen(peer->pwd), true, true, 1234, 77, NULL,
		STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
	say(peer, data, len);
}

/* A record a datagram. */
static void say_dtls(FakePeer *peer)
{
	uint8_t *data;
	long len = BIO_get_mem_data(peer->out, &data);
	for (long at = 0; at + 13 <= len;) {
		size_t record = 13u + ((size_t)data[at + 11] << 8 | data[at + 12]);
		say(peer, data + at, record);
		at += (long)record;
	}
	(void)BIO_reset(peer->out);
}

static void take_keys(FakePeer *peer)
{
	uint8_t material[2 * (SRTP_KEY_LEN + 12)];
	SrtpKeys mirrored = { .profile = SRTP_PROFILE_AEAD_AES_128_GCM };
	g_assert_cmpint(SSL_export_keying_material(peer->ssl, material, sizeof material,
				"EXTRACTOR-dtls_srtp", 19, NULL, 0, 0),
		==, 1);
	/* What we open is what the server seals. */
	memcpy(mirrored.server_key, material, 16);
	memcpy(mirrored.client_key, material + 16, 16);
	memcpy(mirrored.server_salt, material + 32, 12);
	memcpy(mirrored.client_salt, material + 44, 12);
	peer->srtp = srtp_new(&mirrored, NULL);
	peer->srtcp = srtcp_new(&mirrored);
	peer->seal = seal_new(mirrored.profile, mirrored.server_key, mirrored.server_salt);
}

static void shake(FakePeer *peer)
{
	if (!peer->srtp && SSL_do_handshake(peer->ssl) == 1)
		take_keys(peer);
	say_dtls(peer);
}

static void take_rtp(FakePeer *peer, uint8_t *data, size_t len)
{
	RtpHeader header;
	if (!srtp_open_rtp(peer->srtp, data, &len) || !rtp_read(&header, data, len)) {
		peer->streams[0].wrong++;
		return;
	}
	unsigned kind = kind_of(header.payload_type);
	FakeStream *stream = &peer->streams[kind];
	unsigned skip = kind ? 4 + 10 : 0;
	if (header.payload_len < skip + 5)
		return;
	const uint8_t *at = data + header.payload_at + skip;
	unsigned number =
		(unsigned)at[0] << 24 | (unsigned)at[1] << 16 | (unsigned)at[2] << 8 | at[3];
	g_assert_cmpuint(number, <, FAKE_NUMBERS_MAX);
	if (peer->seen[number] & 1 << kind)
		stream->wrong++;
	peer->seen[number] |= (uint8_t)(1 << kind);
	stream->count++;
	if (!stream->first || number < stream->first)
		stream->first = number;
	if (number >= stream->last)
		stream->layer = at[4];
	stream->last = MAX(stream->last, number);
}

static uint16_t sequence_of(const uint8_t *data)
{
	return (uint16_t)(data[2] << 8 | data[3]);
}

static void ask_for_lost(FakePeer *peer)
{
	uint8_t data[100 + SRTCP_TRAILER_MAX];
	Writer out = writer_of(data, 100);
	const uint8_t *ssrc = peer->lost.data + 8;
	uint16_t sequence = sequence_of(peer->lost.data);
	rtcp_write_nack(&out, 1,
		(uint32_t)ssrc[0] << 24 | (uint32_t)ssrc[1] << 16 | (uint32_t)ssrc[2] << 8 |
			ssrc[3],
		&sequence, 1);
	size_t len = writer_len(&out);
	g_assert_true(srtcp_seal(peer->srtcp, data, &len));
	say(peer, data, len);
	if (++peer->lost.asks == ASKS_MAX)
		peer->lost.len = 0;
}

/* Of a voice. True: it is lost on its way. */
static bool lose(FakePeer *peer, const uint8_t *data, size_t len)
{
	if (peer->lost.len && sequence_of(data) == sequence_of(peer->lost.data)) {
		bool same = len == peer->lost.len && !memcmp(data, peer->lost.data, len);
		peer->streams[0].wrong += !same;
		peer->streams[0].again += same;
		peer->lost.len = 0;
		return false;
	}
	if (peer->lost.len) {
		ask_for_lost(peer);
		return false;
	}
	if (sequence_of(data) % peer->lose_every)
		return false;
	g_assert_cmpuint(len, <=, sizeof peer->lost.data);
	memcpy(peer->lost.data, data, len);
	peer->lost.len = len;
	peer->lost.asks = 0;
	return true;
}

static void take(FakePeer *peer, uint8_t *data, size_t len)
{
	if (data[0] <= 3) {
		peer->checked = true;
	} else if (data[0] >= 20 && data[0] <= 63) {
		BIO_write(peer->in, data, (int)len);
		shake(peer);
	} else if (peer->srtp && !(data[1] >= 192 && data[1] <= 223)) {
		bool voice = (data[1] & 0x7f) == FAKE_SOUND;
		if (!voice || !peer->lose_every || !lose(peer, data, len))
			take_rtp(peer, data, len);
	}
}

static void take_frames(FakePeer *peer)
{
	size_t at = 0;
	while (peer->line_len - at >= 2) {
		size_t len = (size_t)peer->line[at] << 8 | peer->line[at + 1];
		if (peer->line_len - at < len + 2)
			break;
		take(peer, peer->line + at + 2, len);
		at += len + 2;
	}
	peer->line_len -= at;
	memmove(peer->line, peer->line + at, peer->line_len);
}

static bool receive(FakePeer *peer)
{
	uint8_t data[2000];
	ssize_t len;
	if (!peer->tcp) {
		len = recv(peer->fd, data, sizeof data, MSG_DONTWAIT);
		if (len > 0)
			take(peer, data, (size_t)len);
		return len > 0;
	}
	len = recv(peer->fd, peer->line + peer->line_len, sizeof peer->line - peer->line_len,
		MSG_DONTWAIT);
	if (len <= 0)
		return false;
	peer->line_len += (size_t)len;
	take_frames(peer);
	return true;
}

void fake_peer_run(FakePeer *peer, int64_t now_us)
{
	while (receive(peer))
		;
	if (peer->srtp && now_us - peer->checked_us < 20 * CHECK_US)
		return;
	if (now_us - peer->checked_us < CHECK_US)
		return;
	peer->checked_us = now_us;
	say_check(peer);
	if (peer->checked && !peer->srtp) {
		DTLSv1_handle_timeout(peer->ssl);
		shake(peer);
	}
}

bool fake_peer_is_answered(const FakePeer *peer)
{
	return peer->checked;
}

bool fake_peer_is_connected(const FakePeer *peer)
{
	return peer->srtp;
}

/* repaired: it was lost, and comes as RTX. */
static void send_rtp(FakePeer *peer, uint8_t payload_type, unsigned layer, unsigned number,
	bool keyframe, bool repaired)
{
	static const char rids[] = "qhf";
	unsigned kind = kind_of(payload_type), stream = kind + layer;
	uint64_t index = ++peer->indexes[stream];
	uint32_t timestamp = number * (kind ? 900 : 480);
	uint8_t sealed[200], payload[64] = { 0 };
	size_t len = 0;
	if (repaired) { /* RFC 4588 §4: the number it had */
		payload[len++] = (uint8_t)(index >> 8);
		payload[len++] = (uint8_t)index;
		index = ++peer->repairs[layer];
		payload_type = REPAIRS;
	}
	if (kind) {
		const Vp8 vp8 = { .picture_id = number & 0x7fff,
			.has_picture_id = true,
			.long_picture_id = true,
			.start_of_partition = true };
		len += vp8_write(payload + len, &vp8);
		payload[len] = 0x10 | !keyframe; /* RFC 6386 §9.1 */
		memcpy(payload + len + 3, (uint8_t[]){ 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4 }, 6);
		len += 10;
	}
	for (unsigned i = 0; i < 4; i++)
		payload[len++] = (uint8_t)(number >> (24 - 8 * i));
	payload[len++] = (uint8_t)layer;
	bool named = kind && peer->layered;
	uint8_t ssrc = (uint8_t)(stream + (repaired ? 11 : 1));
	uint8_t extension = repaired ? REPAIRED_RID_EXTENSION : RID_EXTENSION;
	const uint8_t header[20] = { named ? 0x90 : 0x80,
		(uint8_t)(payload_type | (kind ? 0x80 : 0)), (uint8_t)(index >> 8), (uint8_t)index,
		(uint8_t)(timestamp >> 24), (uint8_t)(timestamp >> 16), (uint8_t)(timestamp >> 8),
		(uint8_t)timestamp, 0, 0, 0, ssrc, 0xbe, 0xde, 0, 1, (uint8_t)(extension << 4),
		(uint8_t)rids[layer] };
	memcpy(sealed, header, sizeof header);
	SealJob job = { .dst = sealed,
		.payload = payload,
		.payload_len = (uint16_t)len,
		.header_len = named ? sizeof header : 12,
		.index = index,
		.ssrc = ssrc };
	seal_batch(peer->seal, &job, 1);
	say(peer, sealed, job.dst_len);
}

void fake_peer_send(FakePeer *peer, uint8_t payload_type, unsigned number, bool keyframe)
{
	send_rtp(peer, payload_type, 0, number, keyframe, false);
}

void fake_peer_send_layer(FakePeer *peer, unsigned layer, unsigned number, bool keyframe)
{
	send_rtp(peer, FAKE_PICTURE, layer, number, keyframe, false);
}

void fake_peer_repair_layer(FakePeer *peer, unsigned layer, unsigned number)
{
	send_rtp(peer, FAKE_PICTURE, layer, number, false, true);
}

void fake_peer_lose_voice(FakePeer *peer, unsigned every)
{
	peer->lose_every = every;
}

const FakeStream *fake_peer_stream(const FakePeer *peer, uint8_t payload_type)
{
	return &peer->streams[kind_of(payload_type)];
}
