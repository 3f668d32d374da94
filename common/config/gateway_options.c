/* gateway_options.c - see gateway_options.h. */
#include "gateway_options.h"

#include <stdlib.h>

#include "netaddr.h"

#define HOURS(n) ((int64_t)(n)*60 * 60 * 1000)
#define MILLION  1000000

/* Indexed by enum log_level. */
static const char *const log_levels[] = { "error", "warn", "info", "debug", NULL };
/* Indexed by enum cookie_same_site. */
static const char *const same_sites[] = { "lax", "strict", "none", "off", NULL };
/* Indexed by enum value_encoding. */
static const char *const parsers[] = { "default", "msgpack", NULL };
/* Indexed by enum subscription_mode. */
static const char *const subscription_modes[] = { "rooms", "all", NULL };
/* Indexed by enum message_order. */
static const char *const orders[] = { "fifo", "total", NULL };
/* Indexed by enum dispatch_mode. */
static const char *const dispatch_modes[] = { "embedded", "broker", "webhook", NULL };
/* As in common/jwt. */
static const char *const jwt_algorithms[] = { "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384",
	"PS512", "ES256", "ES384", "ES512", "EdDSA", NULL };
static const char *const jwt_places[] = { "auth", "query", "header", "cookie", NULL };
/* Indexed by tls_min_version. */
static const char *const tls_versions[] = { "1.2", "1.3", NULL };
static const char *const transports[] = { "polling", "websocket", NULL };

static bool is_port(const char *text)
{
	size_t size = strlen(text);

	return size > 0 && size <= 5 && strspn(text, "0123456789") == size && strtol(text, NULL, 10) <= 65535;
}

/* HOST:PORT, [IPv6]:PORT or :PORT. Whether the host exists is found out when it is bound. */
static const char *check_address(const char *text)
{
	static const char wrong[] = "is not an address; write HOST:PORT, [IPV6]:PORT or :PORT";
	const char *colon = strrchr(text, ':');
	size_t host = colon ? (size_t)(colon - text) : 0;

	if (colon == NULL || !is_port(colon + 1))
		return wrong;
	if (text[0] == '[')
		return host > 2 && text[host - 1] == ']' ? NULL : wrong;
	return memchr(text, ':', host) || strpbrk(text, " /[]") ? wrong : NULL;
}

/* What https:// is followed by in an answer: nothing that ends a line or begins a path. */
static const char *check_host(const char *text)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:[]";

	return text[0] && strspn(text, chars) == strlen(text)
		       ? NULL
		       : "is not a host; write it like example.com or example.com:8443";
}

/* Beginnings of names in Redis, which other programs write too. */
static const char *check_redis_key(const char *text)
{
	return text[0] && strlen(text) <= 100 && strpbrk(text, "# \n\r") == NULL
		       ? NULL
		       : "cannot begin names in Redis; it has 1 to 100 characters, no # and no space";
}

static const char *check_webhook_url(const char *text)
{
	const char *host = strstr(text, "://");
	bool known = strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;

	return known && host[3] != '\0' && host[3] != '/' && strpbrk(text, " @#\r\n") == NULL
		       ? NULL
		       : "is no address; write it like https://app.example.com/stoa, without a user or #";
}

/* Keys are believed as they come: nobody on the way may change them. */
static const char *check_keys_url(const char *text)
{
	static const char *const near[] = { "http://localhost", "http://127.0.0.1", "http://[::1]" };
	const char *why = check_webhook_url(text);

	if (why || strncmp(text, "https://", 8) == 0)
		return why;
	for (size_t i = 0; i < sizeof(near) / sizeof(*near); i++)
		if (strncmp(text, near[i], strlen(near[i])) == 0 && strchr(":/?", text[strlen(near[i])]))
			return NULL;
	return "is http:// to another machine, where keys could be changed on the way; write https://";
}

static const char *check_jwt_key(const char *text)
{
	if (strncmp(text, "-----BEGIN ", 11) == 0)
		return "is a key in PEM and no secret; name its file as jwt_public_key_file";
	return strlen(text) >= 32 ? NULL : "is too short for a secret; it has at least 32 bytes";
}

static const char *check_namespace(const char *text)
{
	return text[0] == '/' || strcmp(text, "*") == 0 ? NULL : "is no namespace; write it like /chat, /game-* or *";
}

/* Names in Redis are made of it (common/records). */
static const char *check_app_name(const char *text)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	size_t size = strlen(text);

	return size && size <= 40 && strspn(text, chars) == size
		       ? NULL
		       : "is no application's name; it has 1 to 40 letters, digits and _ . -";
}

static const char *check_node_text(const char *text)
{
	return text[0] && strlen(text) <= 80 ? NULL : "is no name; it has 1 to 80 characters";
}

static const char *check_path(const char *text)
{
	return text[0] == '/' && strpbrk(text, " ?#%") == NULL
		       ? NULL
		       : "is not a path; write it like /socket.io, without ?, # and %";
}

/* Browsers send scheme://host[:port] and nothing behind: a slash at the end would never match. */
static const char *check_origin(const char *text)
{
	const char *host = strstr(text, "://");

	if (strcmp(text, "*") == 0 || strcmp(text, "null") == 0)
		return NULL;
	if (host == NULL || host == text || host[3] == '\0' || strpbrk(host + 3, "/?# "))
		return "is not an origin; write it like https://example.com:8443, without a path or slash behind, or *";
	return NULL;
}

static bool is_token(const char *text)
{
	for (const char *c = text; *c; c++)
		if (*c <= ' ' || *c > '~' || strchr("()<>@,;:\\\"/[]?={}", *c))
			return false;
	return text[0] != '\0';
}

static const char *check_header_name(const char *text)
{
	return is_token(text) ? NULL : "is not the name of a header";
}

static const char *check_method(const char *text)
{
	return is_token(text) ? NULL : "is not a method; write it like GET";
}

static const char *check_proxy(const char *text)
{
	struct net_range ranges[NET_RANGES_MAX];

	return net_ranges_parse(slice_str(text), ranges)
		       ? NULL
		       : "is not an address; write 192.0.2.1, 10.0.0.0/8, 2001:db8::/32, loopback or private";
}

static const char *check_cookie_name(const char *text)
{
	return is_token(text) ? NULL : "is not a cookie's name; write letters, digits and - or _";
}

static const char *check_cookie_path(const char *text)
{
	for (const char *c = text; *c; c++)
		if (*c <= ' ' || *c > '~' || *c == ';')
			return "is not a path for a cookie; write it without blanks and ;";
	return text[0] == '/' ? NULL : "is not a path for a cookie; it begins with /";
}

static const char *check_cookie_domain(const char *text)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";

	return strspn(text, chars) == strlen(text) ? NULL : "is not a domain; write it like example.com";
}

/* A bearer key goes into a header as it stands, and is the only thing between a stranger and all clients. */
static const char *check_key(const char *text)
{
	size_t size = strlen(text);

	for (size_t i = 0; i < size; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return "is not a key; write letters, digits and signs, without blanks";
	return size < 16 ? "is too short for a key; 16 characters at least, as from: openssl rand -hex 16" : NULL;
}

/* A field's place. The sum is there for its _Generic, which refuses a field of another type than the row's. */
#define FIELD(type_, field_) \
	.offset = offsetof(struct gateway_options, field_) + \
		  0 * sizeof(_Generic(((struct gateway_options *)0)->field_, type_ : 0))

/* The part of a row that goes with its type: the field, the default, the bounds. */
#define BOOL(field_, default_) FIELD(bool, field_), .type = CONFIG_BOOL, .otherwise = (default_)
#define NUMBER_(type_, word_, field_, default_, min_, max_) \
	FIELD(int64_t, field_), .type = (type_), .value = (word_), .otherwise = (default_), .min = (min_), .max = (max_)
#define INT(...)      NUMBER_(CONFIG_INT, "NUMBER", __VA_ARGS__)
#define DURATION(...) NUMBER_(CONFIG_DURATION, "DURATION", __VA_ARGS__)
#define SIZE(...)     NUMBER_(CONFIG_SIZE, "SIZE", __VA_ARGS__)
#define TEXT(field_, default_, word_, check_) \
	FIELD(char *, field_), .type = CONFIG_TEXT, .value = (word_), .otherwise = (default_), .check = (check_)
#define LIST(field_, default_) \
	FIELD(struct config_list, field_), .type = CONFIG_LIST, .value = "LIST", .otherwise = (default_)
#define CHOICE(field_, default_, word_, choices_) \
	FIELD(int, field_), .type = CONFIG_CHOICE, .value = (word_), .otherwise = (default_), .choices = (choices_)
#define ALSO(...) .aliases = { __VA_ARGS__ }

/* A row is its name, its type, its words; which the formatter would take apart. */
/* clang-format off */
static const struct config_option rows[] = {
	{ "app", .group = "Where it listens and what it serves",
		TEXT(app, NULL, "FILE", NULL), .help = "The application: a module built against stoa.h" },
	{ "listen", TEXT(listen, "127.0.0.1:5000", "HOST:PORT", check_address),
		.help = "Where clients connect; without a host: all addresses; port 0: any free one" },
	{ "internal_listen", TEXT(internal_listen, NULL, "HOST:PORT", check_address),
		.help = "Where /healthz, /readyz, /metrics and the HTTP API are answered; not set: nowhere" },
	{ "workers", INT(workers, "1", 1, WORKERS_MAX),
		.help = "Processes that serve `listen` together, each a gateway of the cluster of redis_url, with a port of its own from that of internal_listen on (docs/cluster.md)" },
	{ "path", TEXT(path, "/socket.io", "PATH", check_path), .help = "The URL path under which Socket.IO is served",
		ALSO({ "resource", ALIAS_PATH }, { "socketio_path", ALIAS_PATH }) },
	{ "public", TEXT(public_dir, NULL, "DIR", NULL), .help = "Serve the files of this directory as static pages" },
	{ "serve_client", BOOL(serve_client, "true"),
		.help = "Serve the client's bundle under the path, as in /socket.io/socket.io.js",
		ALSO({ "serveClient", ALIAS_SAME }) },
	{ "client_dir", TEXT(client_dir, NULL, "DIR", NULL),
		.help = "Where the files of the client's bundle are; not set: where they were installed" },
	{ "log_level", CHOICE(log_level, "info", "LEVEL", log_levels),
		.help = "The least important level that is logged" },
	{ "debug", BOOL(debug, "false"), .help = "Log at level debug, and Socket.IO packets as they pass" },
	{ "watch", BOOL(watch, "false"),
		.help = "Load the application anew when its file changes; clients stay connected" },
	{ "loop_stall", DURATION(loop_stall_ms, "1s", 0, HOURS(1)),
		.help = "A loop held up for longer is logged, counted, and not ready for ten times as long; 0: never" },
	{ "io_uring", BOOL(io_uring, "false"),
		.help = "Write to many WebSockets by one system call, where the kernel lets us (docs/operating.md)" },

	{ "tls_listen", .group = "TLS for clients (docs/operating.md)",
		TEXT(tls_listen, NULL, "HOST:PORT", check_address),
		.help = "Where clients connect with https:// and wss://, beside `listen`; not set: TLS is ended before the gateway, or not used" },
	{ "tls_cert_file", LIST(tls_cert_file, NULL), .max = 100,
		.help = "The certificate, with its chain, PEM; of several the one that is for the host a client names, else the first" },
	{ "tls_key_file", LIST(tls_key_file, NULL), .max = 100,
		.help = "The key of each certificate, in the same order, PEM without a passphrase, which only the gateway should be able to read" },
	{ "tls_reload_interval", DURATION(tls_reload_interval_ms, "1m", 0, HOURS(24)),
		.help = "How often the files are looked at, and read anew when they have changed; 0s: on SIGHUP only" },
	{ "tls_min_version", CHOICE(tls_min_version, "1.2", "VERSION", tls_versions),
		.help = "The oldest TLS that is spoken: 1.2 or 1.3" },
	{ "tls_ciphers", TEXT(tls_ciphers, "ECDHE+AESGCM:ECDHE+CHACHA20", "LIST", NULL),
		.help = "Ciphers of TLS 1.2, as OpenSSL writes them" },
	{ "tls_ciphersuites", TEXT(tls_ciphersuites, NULL, "LIST", NULL),
		.help = "Ciphers of TLS 1.3, as OpenSSL writes them; not set: its own" },
	{ "tls_handshake_timeout", DURATION(tls_handshake_timeout_ms, "10s", 1, HOURS(1)),
		.help = "A TLS handshake must be over within so long" },
	{ "max_tls_handshakes", INT(max_tls_handshakes, "1000", 1, MILLION),
		.help = "TLS handshakes that are not over; a connection past it is closed" },
	{ "https_redirect", BOOL(https_redirect, "false"),
		.help = "Answer requests that came without TLS with the same address in https://" },
	{ "https_redirect_host", TEXT(https_redirect_host, NULL, "HOST[:PORT]", check_host),
		.help = "The host in that address; not set: the request's, with the port of tls_listen" },

	{ "transports", .group = "Engine.IO",
		LIST(transports, "polling,websocket"), .min = 1, .max = 2, .choices = transports,
		.help = "The transports that clients may use" },
	{ "allow_upgrades", BOOL(allow_upgrades, "true"), .help = "Let polling clients change to WebSocket",
		ALSO({ "allowUpgrades", ALIAS_SAME }) },
	{ "allow_eio3", BOOL(allow_eio3, "false"),
		.help = "Take clients of Engine.IO 3 too: socket.io-client 2.x (docs/old-clients.md)",
		ALSO({ "allowEIO3", ALIAS_SAME }) },
	{ "jsonp", BOOL(jsonp, "false"),
		.help = "Let clients poll by <script>; pages of any origin can then (docs/old-clients.md)" },
	{ "ping_interval", DURATION(ping_interval_ms, "25s", 1, HOURS(24)),
		.help = "How often the server pings a client", ALSO({ "pingInterval", ALIAS_MS }) },
	{ "ping_timeout", DURATION(ping_timeout_ms, "20s", 1, HOURS(24)),
		.help = "A client that does not answer a ping for so long is gone", ALSO({ "pingTimeout", ALIAS_MS }) },
	{ "upgrade_timeout", DURATION(upgrade_timeout_ms, "10s", 1, HOURS(1)),
		.help = "An upgrade that takes longer is given up; the session stays on polling",
		ALSO({ "upgradeTimeout", ALIAS_MS }) },
	{ "connect_timeout", DURATION(connect_timeout_ms, "45s", 1, HOURS(1)),
		.help = "A connection that has joined no namespace after so long is closed",
		ALSO({ "connectTimeout", ALIAS_MS }) },
	{ "always_connect", BOOL(always_connect, "false"),
		.help = "A client that the application refuses is connected and disconnected, instead of an error" },
	{ "connection_state_recovery", BOOL(connection_state_recovery, "false"),
		.help = "Clients that lose their connection get back their id, rooms and what they missed (docs/recovery.md)",
		ALSO({ "connectionStateRecovery", ALIAS_SAME }) },
	{ "max_disconnection_duration", DURATION(max_disconnection_duration_ms, "2m", 1, HOURS(24)),
		.help = "A client can be recovered for so long after it lost its connection",
		ALSO({ "maxDisconnectionDuration", ALIAS_MS }) },
	{ "max_recovery_memory", SIZE(max_recovery_memory, "64MB", 10000, 1000000 * (int64_t)MILLION),
		.help = "Packets and clients kept for recovery, in one process; the oldest packets are forgotten first" },
	{ "max_recoverable_sessions", INT(max_recoverable_sessions, "100000", 1, 100 * MILLION),
		.help = "Clients that can be recovered, in one process; past it the oldest is forgotten" },
	{ "parser", CHOICE(parser, "default", "NAME", parsers),
		.help = "How packets are written: default, or msgpack for clients with socket.io-msgpack-parser",
		ALSO({ "serializer", ALIAS_SAME }) },
	{ "polling_close_timeout", DURATION(polling_close_timeout_ms, "30s", 1, HOURS(1)),
		.help = "A closed polling session waits so long for the request that takes its last packets" },
	{ "max_http_buffer_size", SIZE(max_http_buffer_size, "1MB", 1, 1000 * MILLION),
		.help = "The largest message, and the largest body of a polling request",
		ALSO({ "maxHttpBufferSize", ALIAS_BYTES }) },

	{ "cors_allowed_origins", .group = "Origins",
		LIST(cors_allowed_origins, NULL), .check = check_origin,
		.help = "The origins whose pages may connect; * is any; not set: the server's own; empty: no check" },
	{ "cors_credentials", BOOL(cors_credentials, "true"), .help = "Let pages of allowed origins send cookies" },
	{ "cors_exposed_headers", LIST(cors_exposed_headers, NULL), .check = check_header_name,
		.help = "Headers of answers that pages of allowed origins may read" },
	{ "cors_allowed_headers", LIST(cors_allowed_headers, NULL), .check = check_header_name,
		.help = "Headers that pages of allowed origins may send; not set: whichever they ask for" },
	{ "cors_methods", LIST(cors_methods, "GET,HEAD,PUT,PATCH,POST,DELETE"), .check = check_method,
		.help = "Methods that the answer to a preflight names" },
	{ "cors_max_age", DURATION(cors_max_age_ms, "0s", 0, HOURS(24 * 365)),
		.help = "Browsers may keep the answer to a preflight for so long; 0s: their own default" },
	{ "trusted_proxies", LIST(trusted_proxies, NULL), .check = check_proxy,
		.help = "Addresses, ranges (10.0.0.0/8), loopback or private, whose X-Forwarded-For, -Proto and -Host are believed" },

	{ "cookie", .group = "The cookie of a polling handshake",
		TEXT(cookie, NULL, "NAME", check_cookie_name),
		.help = "Set a cookie of this name to the session's id, for load balancers; not set: none" },
	{ "cookie_path", TEXT(cookie_path, "/", "PATH", check_cookie_path), .help = "Its Path; empty: none" },
	{ "cookie_domain", TEXT(cookie_domain, NULL, "DOMAIN", check_cookie_domain), .help = "Its Domain" },
	{ "cookie_http_only", BOOL(cookie_http_only, "true"), .help = "HttpOnly: scripts do not see it" },
	{ "cookie_secure", BOOL(cookie_secure, "false"), .help = "Secure: it is sent over HTTPS only" },
	{ "cookie_same_site", CHOICE(cookie_same_site, "lax", "WORD", same_sites), .help = "Its SameSite" },
	{ "cookie_max_age", DURATION(cookie_max_age_ms, "0s", 0, HOURS(24 * 400)),
		.help = "Its Max-Age, in whole seconds; 0s: it ends with the browser" },

	{ "http_compression", .group = "Compression",
		BOOL(http_compression, "true"),
		.help = "Compress the answers to polling requests with gzip or deflate, where the client takes it",
		ALSO({ "httpCompression", ALIAS_SAME }) },
	{ "per_message_deflate", BOOL(per_message_deflate, "false"),
		.help = "Compress the messages of WebSockets whose clients offer permessage-deflate",
		ALSO({ "perMessageDeflate", ALIAS_SAME }) },
	{ "compression_threshold", SIZE(compression_threshold, "1024B", 0, 1000 * MILLION),
		.help = "An answer, or a message of a WebSocket, smaller than this is sent as it is" },

	{ "max_connections", .group = "Limits on connections",
		INT(max_connections, "0", 0, 100 * MILLION),
		.help = "Open connections of this process; 0: as many as there are file descriptors" },
	{ "max_head_size", SIZE(max_head_size, "16KB", 256, MILLION), .help = "The largest head of an HTTP request" },
	{ "max_request_line", SIZE(max_request_line, "8KB", 64, MILLION),
		.help = "The longest first line of an HTTP request" },
	{ "max_headers", INT(max_headers, "100", 1, 100), .help = "Header fields of an HTTP request" },
	{ "head_timeout", DURATION(head_timeout_ms, "10s", 1, HOURS(1)),
		.help = "The head of a request must arrive within so long" },
	{ "body_timeout", DURATION(body_timeout_ms, "30s", 1, HOURS(1)),
		.help = "The body of a request must arrive within so long" },
	{ "keep_alive_timeout", DURATION(keep_alive_timeout_ms, "65s", 1, HOURS(24)),
		.help = "A connection without a request for so long is closed" },

	{ "enforce_rates", .group = "Limits by the second and by address (docs/operating.md)",
		BOOL(enforce_rates, "false"),
		.help = "Refuse what passes a limit of this group; off: it is only counted and logged" },
	{ "max_new_sessions", INT(max_new_sessions, "2000", 0, MILLION),
		.help = "New sessions of this process in a second, twice as many at once; 0: any number" },
	{ "max_waiting_handshakes", INT(max_waiting_handshakes, "10000", 1, MILLION),
		.help = "Clients that wait for an application behind a broker or webhook to let them in" },
	{ "max_sessions_per_address", INT(max_sessions_per_address, "1000", 0, 100 * MILLION),
		.help = "Sessions of one address; 0: any number" },
	{ "max_new_sessions_per_address", INT(max_new_sessions_per_address, "50", 0, MILLION),
		.help = "New sessions of one address in a second, twice as many at once; 0: any number" },
	{ "max_unknown_sids_per_address", INT(max_unknown_sids_per_address, "100", 0, MILLION),
		.help = "Requests of one address in a second for sessions that are none, twice as many at once; 0: any number" },
	{ "max_event_rate", INT(max_event_rate, "100", 0, MILLION),
		.help = "Events of one connection in a second, twice as many at once; 0: any number" },
	{ "max_event_rate_per_address", INT(max_event_rate_per_address, "1000", 0, MILLION),
		.help = "Events of one address in a second, twice as many at once; 0: any number" },

	{ "max_decode_packets", .group = "Limits on a client",
		INT(max_decode_packets, "1000", 1, MILLION),
		.help = "Packets in the body of one polling request" },
	{ "max_fragments", INT(max_fragments, "16384", 1, MILLION), .help = "Fragments of one WebSocket message" },
	{ "max_control_frames", INT(max_control_frames, "50", 0, MILLION),
		.help = "Pings and pongs of one WebSocket in a second; 0: any number" },
	{ "max_send_queue", SIZE(max_send_queue, "1MB", 1000, 1000 * MILLION),
		.help = "Output that may wait for a client; one with more is closed as slow" },
	{ "max_send_wait", DURATION(max_send_wait_ms, "10s", 0, HOURS(1)),
		.help = "A client whose connection takes none, or too little, of what waits for it for so long is closed as slow; 0ms: no limit" },
	{ "max_namespaces", INT(max_namespaces, "16", 1, 10000), .help = "Namespaces that one connection may join" },
	{ "max_rooms", INT(max_rooms, "512", 1, MILLION), .help = "Rooms that one client may be in" },
	{ "max_room_name", SIZE(max_room_name, "200B", 20, 65536),
		.help = "The longest name of a room; a client's own needs 20B" },
	{ "max_event_name", SIZE(max_event_name, "200B", 1, 65536), .help = "The longest name of an event" },
	{ "max_attachments", INT(max_attachments, "10", 0, 10000),
		.help = "Binary attachments of one event; 0: none are taken" },
	{ "max_json_depth", INT(max_json_depth, "64", 1, 1000), .help = "Arrays and objects inside each other" },
	{ "max_pending_acks", INT(max_pending_acks, "1000", 1, MILLION),
		.help = "Acks that the server waits for from one client" },
	{ "ack_timeout", DURATION(ack_timeout_ms, "30s", 1, HOURS(24)),
		.help = "An ack that takes longer is given up, where the application names no time" },

	{ "max_timers", .group = "Limits on the application",
		INT(max_timers, "10000", 1, MILLION), .help = "Timers of the application in this process" },
	{ "max_effects", INT(max_effects, "10000", 1, MILLION),
		.help = "Emits, joins and the like of one handler's run; also what tasks may be ahead of the loop" },
	{ "max_session_bytes", SIZE(max_session_bytes, "64KB", 2, 1000 * MILLION),
		.help = "The session of one client in one namespace, as JSON" },
	{ "max_answers", INT(max_answers, "10000", 1, 100 * MILLION),
		.help = "Answers to one call, or clients of one fetch_sockets" },
	{ "max_answer_memory", SIZE(max_answer_memory, "16MB", 1000, 1000 * MILLION),
		.help = "What the answers to one call may take together" },
	{ "max_handler_memory", SIZE(max_handler_memory, "64MB", 10000, 1000 * MILLION),
		.help = "What one handler's run may decode, build and leave; a message takes up to 50 times its size" },
	{ "background_threads", INT(background_threads, "16", 1, 1000),
		.help = "Threads for the application's background tasks, started as they are needed" },
	{ "max_background_tasks", INT(max_background_tasks, "64", 1, MILLION),
		.help = "Background tasks that run or wait for a thread" },
	{ "slow_handler", DURATION(slow_handler_ms, "100ms", 0, HOURS(1)),
		.help = "A handler that takes longer is named in the log; 0ms: none is" },

	{ "dispatch", .group = "The application elsewhere (docs/brokers.md)",
		CHOICE(dispatch, "embedded", "WHERE", dispatch_modes),
		.help = "Who runs the application: embedded, this process; broker, stoa-broker or other workers by way of redis_url; webhook, an HTTP server" },
	{ "app_name", TEXT(app_name, "app", "NAME", check_app_name),
		.help = "The application's name in Redis: gateways and brokers of one application share it" },
	{ "event_timeout", DURATION(event_timeout_ms, "30s", 10, HOURS(1)),
		.help = "What a client does is answered by the application within so long, or refused to the client" },
	{ "broker_timeout", DURATION(broker_timeout_ms, "10s", 0, HOURS(1)),
		.help = "When nobody who runs the application was to be seen for so long, events are refused at once" },
	{ "max_waiting_events", INT(max_waiting_events, "100", 1, MILLION),
		.help = "Events of one client that wait for the application, the one that it is at included; past it they are refused" },
	{ "max_waiting_memory", SIZE(max_waiting_memory, "64MB", 10000, 1000 * MILLION),
		.help = "Memory of all events that wait in this process" },
	{ "max_backlog", INT(max_backlog, "100000", 1, 1000 * MILLION),
		.help = "Events that wait in one partition's stream in Redis; past it they are refused" },

	{ "webhook_url", .group = "The application behind a webhook: dispatch = webhook (docs/webhooks.md)",
		TEXT(webhook_url, NULL, "URL", check_webhook_url),
		.help = "Where events are posted: http://HOST[:PORT]/PATH or https://" },
	{ "webhook_secret", TEXT(webhook_secret, NULL, "TEXT", check_key),
		.secret = true, .help = "What posts are signed with; this or webhook_secret_file" },
	{ "webhook_secret_file", TEXT(webhook_secret_file, NULL, "FILE", NULL),
		.help = "The same, the secret being the first line of this file, which only the gateway should be able to read" },
	{ "webhook_ca_file", TEXT(webhook_ca_file, NULL, "FILE", NULL),
		.help = "Who may sign the certificate of https://; not set: the system's authorities" },
	{ "webhook_namespaces", LIST(webhook_namespaces, "/"), .min = 1, .max = 1000, .check = check_namespace,
		.help = "The namespaces that clients may join: /chat; /game-* for all that begin so; * for any" },
	{ "webhook_handshake", BOOL(webhook_handshake, "false"),
		.help = "Ask the webhook before anybody gets a session" },
	{ "webhook_timeout", DURATION(webhook_timeout_ms, "5s", 10, HOURS(1)), .help = "One post is answered within so long" },
	{ "webhook_attempts", INT(webhook_attempts, "3", 1, 100),
		.help = "How often an event is posted that is answered with 5xx or 429 or not at all" },
	{ "webhook_retry", DURATION(webhook_retry_ms, "200ms", 1, 60 * 1000),
		.help = "The pause after the first attempt; after each more twice as long, up to 30 s" },
	{ "webhook_connections", INT(webhook_connections, "32", 1, 10000),
		.help = "Connections to it, and so posts at a time" },
	{ "webhook_max_answer", SIZE(webhook_max_answer, "1MB", 1000, 1000 * MILLION),
		.help = "The largest answer that is read; a larger one has failed" },
	{ "webhook_breaker_failures", INT(webhook_breaker_failures, "20", 1, MILLION),
		.help = "After so many failed posts in a row none is made for webhook_breaker_rest: events are refused at once" },
	{ "webhook_breaker_rest", DURATION(webhook_breaker_rest_ms, "10s", 1, HOURS(1)),
		.help = "Then one post shows whether it goes on" },

	{ "jwt_key", .group = "Tokens that clients show to be let in (docs/authentication.md)",
		TEXT(jwt_key, NULL, "SECRET", check_jwt_key),
		.secret = true, .help = "The secret that JSON Web Tokens of clients are signed with; without any key no token is asked for" },
	{ "jwt_key_file", TEXT(jwt_key_file, NULL, "FILE", NULL),
		.help = "The same, the secret being all of this file but a line's end behind it" },
	{ "jwt_public_key_file", TEXT(jwt_public_key_file, NULL, "FILE", NULL),
		.help = "Public keys or certificates in PEM that such tokens are checked with: RSA, EC, Ed25519" },
	{ "jwt_jwks_file", TEXT(jwt_jwks_file, NULL, "FILE", NULL), .help = "The same as a JSON Web Key Set" },
	{ "jwt_jwks_url", TEXT(jwt_jwks_url, NULL, "URL", check_keys_url),
		.help = "The same, fetched from there: https://HOST[:PORT]/PATH" },
	{ "jwt_ca_file", TEXT(jwt_ca_file, NULL, "FILE", NULL),
		.help = "Who may sign the certificate of jwt_jwks_url; not set: the system's authorities" },
	{ "jwt_refetch", DURATION(jwt_refetch_ms, "10m", 1000, HOURS(24)),
		.help = "So often all keys are read again, from files and from jwt_jwks_url; until that succeeds the old ones count" },
	{ "jwt_refetch_min", DURATION(jwt_refetch_min_ms, "10s", 100, HOURS(1)),
		.help = "A token of an unknown key has jwt_jwks_url fetched at once, but so much after the last time at the earliest" },
	{ "jwt_fetch_timeout", DURATION(jwt_fetch_timeout_ms, "5s", 10, 60 * 1000), .help = "One fetch of jwt_jwks_url is answered within so long" },
	{ "jwt_max_jwks", SIZE(jwt_max_jwks, "256KB", 1000, 10 * MILLION), .help = "The largest file or answer that keys are read from" },
	{ "jwt_algorithms", LIST(jwt_algorithms, NULL), .choices = jwt_algorithms,
		.help = "The algorithms that tokens may be signed by; not set: all that the keys are for" },
	{ "jwt_issuer", LIST(jwt_issuer, NULL), .help = "The issuers (iss) whose tokens count; not set: any" },
	{ "jwt_audience", LIST(jwt_audience, NULL), .help = "The audiences (aud) one of which a token must name; not set: it must name none" },
	{ "jwt_required", LIST(jwt_required, "exp"), .help = "The claims that a token must have; exp is when it expires, without which it never does" },
	{ "jwt_leeway", DURATION(jwt_leeway_ms, "10s", 0, HOURS(1)), .help = "By so much clocks may differ where a token's times are compared" },
	{ "jwt_from", LIST(jwt_from, "auth"), .min = 1, .max = 4, .choices = jwt_places,
		.help = "Where the token is looked for, in this order: auth, the client's auth object; query; header, Authorization: Bearer; cookie" },
	{ "jwt_name", TEXT(jwt_name, "token", "NAME", check_cookie_name), .help = "Its name in the auth object, the query and among the cookies" },
	{ "jwt_namespaces", LIST(jwt_namespaces, "*"), .min = 1, .max = 1000, .check = check_namespace,
		.help = "The namespaces that take a token: /chat; /game-* for all that begin so; * for any" },
	{ "jwt_max_token", SIZE(jwt_max_token, "8KB", 100, MILLION), .help = "The largest token" },
	{ "jwt_refresh_event", TEXT(jwt_refresh_event, "refresh_token", "NAME", NULL),
		.help = "The event by which a client shows a newer token; it does not reach the application; empty: none does" },
	{ "jwt_refresh_before", DURATION(jwt_refresh_before_ms, "1m", 0, HOURS(24)),
		.help = "So long before its token expires a client is sent token_expiring; 0: it is not" },

	{ "api_key", .group = "The HTTP API of the internal listener (docs/http-api.md)",
		TEXT(api_key, NULL, "KEY", check_key),
		.secret = true, .help = "Who sends this key may emit from beside; neither this nor api_key_file: the API is off" },
	{ "api_key_file", TEXT(api_key_file, NULL, "FILE", NULL),
		.help = "The same, the key being the first line of this file, which only the gateway should be able to read" },
	{ "api_max_body", SIZE(api_max_body, "1MB", 1000, 1000 * MILLION),
		.help = "The largest body of a request; a page of a listing ends at this size too" },
	{ "api_max_batch", INT(api_max_batch, "1000", 1, MILLION), .help = "Items in one batch" },
	{ "api_max_list", INT(api_max_list, "1000", 1, MILLION), .help = "Names in one page of a listing, and in a list of a request" },
	{ "api_idempotency_time", DURATION(api_idempotency_time_ms, "10m", 1000, HOURS(24 * 7)),
		.help = "A request with an Idempotency-Key that came before is given the same answer for so long" },
	{ "api_idempotency_memory", SIZE(api_idempotency_memory, "4MB", 1000, 1000 * MILLION),
		.help = "What is kept for that; past it the oldest answers are forgotten early" },

	{ "redis_url", .group = "The cluster: several gateways, and whatever emits through Redis (docs/cluster.md)",
		TEXT(redis_url, NULL, "URL", NULL),
		.secret = true, .help = "The Redis of the cluster: redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE], rediss:// for TLS, unix:///PATH; not set: this process is alone",
		ALSO({ "message_queue", ALIAS_SAME }) },
	{ "redis_key", TEXT(redis_key, "socket.io", "TEXT", check_redis_key),
		.help = "What the names of all channels and keys begin with: one for each cluster of one Redis; the adapter's option `key` in Node.js" },
	{ "redis_ca_file", TEXT(redis_ca_file, NULL, "FILE", NULL),
		.help = "Who may sign the certificate of rediss://; not set: the system's authorities" },
	{ "redis_cert_file", TEXT(redis_cert_file, NULL, "FILE", NULL), .help = "Our certificate for it, with its chain, PEM" },
	{ "redis_key_file", TEXT(redis_key_file, NULL, "FILE", NULL), .help = "The key of that certificate, PEM" },
	{ "redis_server_name", TEXT(redis_server_name, NULL, "HOST", NULL),
		.help = "The name that the certificate must have; not set: the host of redis_url" },
	{ "redis_connect_timeout", DURATION(redis_connect_timeout_ms, "5s", 1, HOURS(1)),
		.help = "Connecting and logging in may take so long" },
	{ "redis_command_timeout", DURATION(redis_command_timeout_ms, "5s", 10, HOURS(1)),
		.help = "A Redis that says nothing for so long is given up, and connected to anew" },
	{ "redis_max_queue", SIZE(redis_max_queue, "8MB", 1000, 1000 * MILLION), .help = "Commands that wait for their answer" },
	{ "redis_max_message", SIZE(redis_max_message, "16MB", 1000, 512 * MILLION),
		.help = "The largest message that is read; the connection is left for a larger one" },
	{ "redis_max_publish", SIZE(redis_max_publish, "8MB", 1000, 512 * MILLION),
		.help = "The largest message that is published; Redis drops subscribers that fall behind by 32 MB" },
	{ "redis_max_waiting", SIZE(redis_max_waiting, "8MB", 0, 1000 * MILLION),
		.help = "What is published while Redis is away waits for it, so much at most" },
	{ "redis_wait", DURATION(redis_wait_ms, "5s", 0, HOURS(1)), .help = "And so long at most" },
	{ "bus_probe_interval", DURATION(bus_probe_interval_ms, "3s", 10, HOURS(1)),
		.help = "How often a message to ourselves proves that we hear what is published" },
	{ "subscriptions", CHOICE(subscriptions, "rooms", "WHAT", subscription_modes),
		.help = "What is heard: rooms, only what has members here; all, everything of a namespace by one pattern, as Node.js does" },
	{ "order", CHOICE(order, "fifo", "WHAT", orders),
		.help = "How a room's messages arrive: fifo, those of one gateway in its order; total, all in one order everywhere, by way of Redis for the sender too, which needs and sets subscriptions = all" },
	{ "node_name", TEXT(node_name, NULL, "TEXT", check_node_text), .help = "What people call this gateway; not set: HOST#PID" },
	{ "node_address", TEXT(node_address, NULL, "HOST:PORT", check_address),
		.help = "Where other gateways bring requests for our sessions; a name is resolved once, at the start; not set: the address of internal_listen, or the machine's first if that is all of them" },
	{ "node_beat", DURATION(node_beat_ms, "2s", 10, HOURS(1)), .help = "How often a gateway tells the others of itself" },
	{ "node_lost", DURATION(node_lost_ms, "10s", 20, HOURS(1)),
		.help = "A gateway that was silent for so long is gone; at least three beats" },
	{ "max_cluster_requests", INT(max_cluster_requests, "10000", 1, MILLION),
		.help = "Questions to other servers that wait for answers, and theirs that wait for ours, each" },
	{ "relay_secret", TEXT(relay_secret, NULL, "TEXT", check_key),
		.secret = true, .help = "What gateways know each other by when one takes a request to another, the same for all; not set: one that they share through Redis" },
	{ "relay_secret_file", TEXT(relay_secret_file, NULL, "FILE", NULL),
		.help = "The same, the secret being the first line of this file, which only the gateways should be able to read" },
	{ "relay_connect_timeout", DURATION(relay_connect_timeout_ms, "2s", 1, 60 * 1000),
		.help = "Finding and reaching the gateway that a request is for may take so long" },
	{ "relay_timeout", DURATION(relay_timeout_ms, "10s", 1, HOURS(1)),
		.help = "A gateway that has not answered a request taken to it for so long is given up; a poll may wait a ping_interval and a ping_timeout longer" },
	{ "max_relays", INT(max_relays, "10000", 1, 100 * MILLION),
		.help = "Requests and WebSockets of clients of this gateway that are with others at the same time" },
	{ "ready_without_bus", BOOL(ready_without_bus, "false"),
		.help = "Call the gateway ready while Redis is out of reach: clients here go on, but hear nothing of others" },

	{ "python_channels", LIST(python_channels, NULL),
		.help = "Channels on which python-socketio and Flask-SocketIO emit (`message_queue`), as socketio or flask-socketio; not set: none is heard" },
	{ "python_pickle", BOOL(python_pickle, "true"),
		.help = "Read what python-socketio before 5.14 sends as pickles; data alone is read, nothing in them is run" },
	{ "python_list_is_args", BOOL(python_list_is_args, "false"),
		.help = "A list without the member `binary` is several arguments, as from 5.15.1, and not one, as before" },

	{ "drain_delay", .group = "Ending",
		DURATION(drain_delay_ms, "0s", 0, HOURS(1)),
		.help = "After SIGTERM, not SIGINT, all goes on for so long, but /readyz says no: until load balancers have seen it" },
	{ "drain_rate", INT(drain_rate, "0", 0, 100 * MILLION),
		.help = "Then so many sessions are closed a second; 0: as many as it takes within shutdown_timeout, 500 at least" },
	{ "shutdown_timeout", DURATION(shutdown_timeout_ms, "10s", 0, HOURS(1)),
		.help = "From the first close on it may take so long until all is over; who has not taken its last bytes is cut off then" },
	{ "background_timeout", DURATION(background_timeout_ms, "5s", 0, HOURS(1)),
		.help = "Background tasks have so long to end when the process does" },
	{ "close_timeout", DURATION(close_timeout_ms, "1s", 1, 60 * 1000),
		.help = "A closed connection is read for so long, so that its peer sees the last bytes" },
	{ 0 },
};
/* clang-format on */

const struct config_table gateway_options_table = {
	.program = "stoa-gateway",
	.section = "gateway",
	.summary = "a Socket.IO server that runs an application module",
	.options = rows,
};
