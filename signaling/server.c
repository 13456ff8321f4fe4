#include "lws_side.h"
#include <openssl/ssl.h>
#include <string.h>

#define KEEPALIVE_S 5 /* a page has all it needs by then */
#define HEADERS_S 5

void server_kill(struct lws *wsi)
{
	lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

char *server_header(struct lws *wsi, enum lws_token_indexes token)
{
	int len = lws_hdr_total_length(wsi, token);
	char *text = g_malloc0((size_t)MAX(len, 0) + 1);
	if (len > 0 && lws_hdr_copy(wsi, text, len + 1, token) < 0)
		*text = '\0';
	return text;
}

/* A WebSocket only from our own pages: the browser says where the page came from. */
static int judge_upgrade(Server *server, struct lws *wsi)
{
	g_autofree char *host = server_header(wsi, WSI_TOKEN_HOST);
	g_autofree char *origin = server_header(wsi, WSI_TOKEN_ORIGIN);
	g_autofree char *path = server_header(wsi, WSI_TOKEN_GET_URI);
	g_autofree char *own = g_strconcat("https://", host, NULL);
	unsigned status = 0;
	if (((Connection *)lws_get_opaque_user_data(wsi))->is_admin || !g_str_equal(path, "/ws"))
		status = 404;
	else if (!*host || g_ascii_strcasecmp(origin, own) != 0)
		status = 403;
#ifdef GUARD_OFF_ORIGIN
	if (status == 403)
		status = 0;
#endif
	if (!status)
		return 0;
	server->counts.refused_upgrades++;
	return lws_return_http_status(wsi, status, NULL) < 0 ? -1 : 1;
}

static int on_http(
	struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	Server *server = lws_context_user(lws_get_context(wsi));
	switch (reason) {
	case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
		server->tls = user;
		return 0;
	case LWS_CALLBACK_HTTP:
		return exchange_on_request(server, wsi, user, in, len);
	case LWS_CALLBACK_HTTP_BODY:
		return exchange_on_body(user, in, len);
	case LWS_CALLBACK_HTTP_BODY_COMPLETION:
		exchange_on_body_end(user);
		return 0;
	case LWS_CALLBACK_HTTP_WRITEABLE:
		return exchange_on_writable(user);
	case LWS_CALLBACK_CLOSED_HTTP:
	case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
		exchange_detach(user);
		return 0;
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		return judge_upgrade(server, wsi);
	case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
		return -1; /* named no subprotocol of ours */
	case LWS_CALLBACK_WSI_DESTROY: {
		Connection *connection = lws_get_opaque_user_data(wsi);
		lws_set_opaque_user_data(wsi, NULL);
		if (connection)
			gate_leave(connection->visitor);
		g_free(connection);
		return 0;
	}
	default:
		return 0;
	}
}

static int on_ws(
	struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	Server *server = lws_context_user(lws_get_context(wsi));
	WsUser *ws = user;
	switch (reason) {
	case LWS_CALLBACK_ESTABLISHED:
		socket_on_open(server, wsi, ws);
		return 0;
	case LWS_CALLBACK_RECEIVE:
		return ws->socket ? socket_on_message(ws->socket, in, len) : -1;
	case LWS_CALLBACK_RECEIVE_PONG:
		if (ws->socket)
			socket_on_pong(ws->socket);
		return 0;
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return ws->socket ? socket_on_writable(ws->socket) : 0;
	case LWS_CALLBACK_CLOSED:
	case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL:
		if (ws)
			socket_on_closed(ws);
		return 0;
	default:
		return 0;
	}
}

static gboolean on_tick(void *data)
{
	Server *server = data;
	int64_t now_us = g_get_monotonic_time();
	if (server->usher)
		usher_tick(server->usher);
	g_autoptr(GPtrArray) over = g_ptr_array_new(); /* closing changes the tables */
	GHashTableIter at;
	Socket *socket;
	Exchange *exchange;
	struct lws *wsi;
	g_hash_table_iter_init(&at, server->sockets);
	while (g_hash_table_iter_next(&at, (void **)&socket, NULL)) {
		if ((wsi = socket_overdue(socket, now_us)))
			g_ptr_array_add(over, wsi);
	}
	g_hash_table_iter_init(&at, server->exchanges);
	while (g_hash_table_iter_next(&at, (void **)&exchange, NULL)) {
		if ((wsi = exchange_overdue(exchange, now_us)))
			g_ptr_array_add(over, wsi);
	}
	/* Allowed here, outside of any callback of libwebsockets. */
	for (unsigned i = 0; i < over->len; i++)
		lws_set_timeout(over->pdata[i], PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
	return G_SOURCE_CONTINUE;
}

static const struct lws_protocols protocols[] = {
	{ .name = "http",
		.callback = on_http,
		.per_session_data_size = sizeof(HttpUser),
		.rx_buffer_size = 4096 },
	{ .name = "diemcau.v1",
		.callback = on_ws,
		.per_session_data_size = sizeof(WsUser),
		.rx_buffer_size = 4096 },
	{ 0 },
};

static void admit(int fd, Visitor *visitor, struct lws_vhost *vhost, bool is_admin)
{
	/* On failure the socket is closed and nothing of it is left. */
	struct lws *wsi = lws_adopt_socket_vhost(vhost, fd);
	if (!wsi) {
		gate_leave(visitor);
		return;
	}
	Connection *connection = g_new0(Connection, 1);
	connection->visitor = visitor;
	connection->is_admin = is_admin;
	lws_set_opaque_user_data(wsi, connection);
}

static void admit_http(int fd, Visitor *visitor, void *user)
{
	admit(fd, visitor, ((Server *)user)->http, false);
}

static void admit_admin(int fd, Visitor *visitor, void *user)
{
	admit(fd, visitor, ((Server *)user)->admin, true);
}

static void on_https(int fd, void *user)
{
	gate_take(((Server *)user)->gate, fd);
}

static void on_media(int fd, void *user)
{
	handover_give(((Server *)user)->handover, fd);
}

static bool is_full(void *user)
{
	return gate_is_full(((Server *)user)->gate);
}

static void on_lws_log(int level, const char *line)
{
	/* Libwebsockets names no secret in errors and warnings, but each broken handshake. */
	g_autofree char *text = g_strchomp(g_strdup(line));
	g_debug("lws: %s", text);
}

static struct lws_context *make_context(Server *server)
{
	void *loops[1] = { server->loop };
	struct lws_context_creation_info info = { 0 };
	info.options = LWS_SERVER_OPTION_GLIB | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
		       LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
	info.foreign_loops = loops;
	info.user = server;
	info.timeout_secs = HEADERS_S;
	info.timeout_secs_ah_idle = HEADERS_S;
	info.max_http_header_data2 = SERVER_HEADERS_MAX;
	info.max_http_header_pool2 = 1024; /* made as needed; one a request in the making */
	info.pt_serv_buf_size = 16384;
	/* lws keeps tables of this size; a process has no more descriptors than its limit. */
	return lws_create_context(&info);
}

static struct lws_vhost *make_vhost(Server *server, const char *name, const ServerConfig *tls)
{
	struct lws_context_creation_info info = { 0 };
	info.vhost_name = name;
	info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
	info.protocols = protocols;
	info.keepalive_timeout = KEEPALIVE_S;
	info.timeout_secs = HEADERS_S;
	info.timeout_secs_ah_idle = HEADERS_S;
	info.user = server;
	info.alpn = "http/1.1"; /* h2 breaks WebSocket: design note browsers.md §1.5 */
	if (tls) {
		info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
		info.ssl_cert_filepath = tls->cert;
		info.ssl_private_key_filepath = tls->key;
		info.ssl_options_set = SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 |
				       SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION;
	}
	return lws_create_vhost(server->context, &info);
}

static void open_ports(Server *server, const ServerConfig *config)
{
	static const UsherEvents events = { on_https, on_media, is_full };
	GateLimits admin_limits = { .strangers_per_address = 64, .visitors = 128 };
	server->gate =
		gate_new(config->door ? -1 : config->http_fd, &config->limits, admit_http, server);
	server->admin_gate = gate_new(config->admin_fd, &admin_limits, admit_admin, server);
	if (!config->door)
		return;
	server->handover = handover_new(config->door, g_get_monotonic_time);
	server->usher = usher_new(config->http_fd, &events, server, g_get_monotonic_time);
}

Server *server_new(GMainLoop *loop, const ServerConfig *config, const ServerEvents *events,
	void *user, GError **error)
{
	lws_set_log_level(LLL_ERR | LLL_WARN, on_lws_log);
	Server *server = g_new0(Server, 1);
	server->loop = loop;
	server->events = *events;
	server->user = user;
	server->cert = g_strdup(config->cert);
	server->key = g_strdup(config->key);
	server->exchanges = g_hash_table_new(NULL, NULL);
	server->sockets = g_hash_table_new(NULL, NULL);
	server->context = make_context(server);
	if (server->context) {
		server->http = make_vhost(server, "http", config);
		server->admin = make_vhost(server, "admin", NULL);
	}
	if (!server->http || !server->admin) {
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
			"the HTTPS server cannot start (certificate %s, key %s)", config->cert,
			config->key);
		server_free(server);
		return NULL;
	}
	open_ports(server, config);
	server->tick = g_timeout_add(1000, on_tick, server);
	return server;
}

void server_stop(Server *server)
{
	if (server->usher)
		usher_close(server->usher);
	gate_close(server->gate);
	gate_close(server->admin_gate);
}

void server_free(Server *server)
{
	if (!server)
		return;
	if (server->tick)
		g_source_remove(server->tick);
	if (server->gate)
		server_stop(server);
	if (server->context)
		lws_context_destroy(server->context);
	usher_free(server->usher);
	handover_free(server->handover);
	gate_free(server->gate);
	gate_free(server->admin_gate);
	g_hash_table_unref(server->exchanges);
	g_hash_table_unref(server->sockets);
	g_free(server->cert);
	g_free(server->key);
	g_free(server);
}

bool server_reload(Server *server, GError **error)
{
	/* Checked apart first, so that a wrong pair of files leaves the old one in use. */
	SSL_CTX *fresh = SSL_CTX_new(TLS_server_method());
	bool sound = fresh && SSL_CTX_use_certificate_chain_file(fresh, server->cert) == 1 &&
		     SSL_CTX_use_PrivateKey_file(fresh, server->key, SSL_FILETYPE_PEM) == 1 &&
		     SSL_CTX_check_private_key(fresh) == 1;
	SSL_CTX_free(fresh);
	if (sound && server->tls)
		sound = SSL_CTX_use_certificate_chain_file(server->tls, server->cert) == 1 &&
			SSL_CTX_use_PrivateKey_file(server->tls, server->key, SSL_FILETYPE_PEM) ==
				1;
	if (!sound)
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
			"certificate %s and key %s cannot be used", server->cert, server->key);
	return sound;
}

void server_counts(const Server *server, ServerCounts *counts)
{
	*counts = server->counts;
	counts->connections = gate_visitors(server->gate);
	counts->parked = gate_parked(server->gate);
	counts->sockets = g_hash_table_size(server->sockets);
	if (!server->usher)
		return;
	UsherCounts usher;
	HandoverCounts handover;
	usher_counts(server->usher, &usher);
	handover_counts(server->handover, &handover);
	counts->lines_waiting = usher.waiting + handover.waiting;
	counts->lines_silent = usher.silent_total;
	counts->lines_handed = handover.handed_total;
	counts->lines_lost = handover.lost_total;
}
