#include "probe.h"
#include <string.h>
#include <sys/random.h>

struct Probe {
	Bucket all;
	unsigned under_way;
	uint64_t bytes;
	unsigned char noise[PROBE_BYTES_MAX]; /* cannot be compressed on the way */
};

Probe *probe_new(void)
{
	Probe *probe = g_new0(Probe, 1);
	for (size_t at = 0; at < sizeof(probe->noise);) {
		ssize_t got = getrandom(probe->noise + at, sizeof(probe->noise) - at, 0);
		if (got <= 0)
			g_error("probe: the kernel gives no random bytes");
		at += (size_t)got;
	}
	return probe;
}

void probe_free(Probe *probe)
{
	g_free(probe);
}

bool probe_admits(Probe *probe, Bucket *site, size_t bytes, int64_t now_us)
{
	double count = (double)MAX(bytes, PROBE_LEAST);
	if (!bucket_take_some(site, count, PROBE_SITE_RATE, PROBE_SITE_BURST, now_us))
		return false;
	if (!bucket_take_some(&probe->all, count, PROBE_ALL_RATE, PROBE_ALL_BURST, now_us)) {
		bucket_give(site, count);
		return false;
	}
	probe->bytes += (uint64_t)count;
	return true;
}

uint64_t probe_bytes(const Probe *probe)
{
	return probe->bytes;
}

/* The last piece is out, or the asker has gone. */
static void on_sent(void *user)
{
	((Probe *)user)->under_way--;
}

/* `bytes=N`, 1 to PROBE_BYTES_MAX; nothing at all is 0. */
static bool read_size(const char *query, guint64 *size)
{
	*size = 0;
	return !*query || (g_str_has_prefix(query, "bytes=") &&
				  g_ascii_string_to_unsigned(query + strlen("bytes="), 10, 1,
					  PROBE_BYTES_MAX, size, NULL));
}

static void send(Probe *probe, Exchange *exchange, size_t size)
{
	exchange_header(exchange, "cache-control", "no-store");
	if (!size) {
		exchange_answer(exchange, 204, NULL, NULL);
		return;
	}
	probe->under_way++;
	g_autoptr(GBytes) noise = g_bytes_new_with_free_func(probe->noise, size, on_sent, probe);
	exchange_answer(exchange, 200, "application/octet-stream", noise);
}

void probe_request(Http *http, Exchange *exchange, const Request *request)
{
	const char *token = http_bearer(request);
	if (!token) {
		http_refuse(exchange, 401, &REFUSE_BAD_TOKEN);
		return;
	}
	Door door;
	const Refusal *refusal = registry_enter(http->hub->registry, token, &door);
	if (!refusal && door.kind != LINK_JOIN)
		refusal = &REFUSE_NOT_ALLOWED;
	if (refusal) {
		http_refuse(exchange, 403, refusal);
		return;
	}
	exchange_vouch(exchange);
	bool gets = strcmp(request->method, "GET") == 0;
	guint64 size = 0;
	if (!gets && strcmp(request->method, "POST") != 0)
		http_refuse_method(exchange, "GET, POST");
	else if (gets && !read_size(request->query, &size))
		http_refuse(exchange, 400, &REFUSE_BAD_PARAMS);
	else if ((size && http->probe->under_way >= PROBES_MAX) ||
		 !probe_admits(http->probe, &door.seat->probing, gets ? size : request->body_len,
			 g_get_monotonic_time()))
		http_refuse(exchange, 429, &REFUSE_PROBE_BUSY);
	else
		send(http->probe, exchange, size);
}
