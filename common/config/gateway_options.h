/*
 * gateway_options.h - the options of stoa-gateway. The table is gateway_options.c; add an option there and a field
 * here, and read the field where it acts.
 */
#ifndef STOA_CONFIG_GATEWAY_OPTIONS_H
#define STOA_CONFIG_GATEWAY_OPTIONS_H

#include "config.h"

enum { TRANSPORT_POLLING = 1, TRANSPORT_WEBSOCKET = 2 };
enum subscription_mode { SUBSCRIBE_ROOMS, SUBSCRIBE_ALL };
enum message_order { ORDER_FIFO, ORDER_TOTAL };
enum dispatch_mode { DISPATCH_EMBEDDED, DISPATCH_BROKER, DISPATCH_WEBHOOK };
enum { WORKERS_MAX = 256, GATEWAY_TLS_SEED_SIZE = 32 };
enum cookie_same_site { SAME_SITE_LAX, SAME_SITE_STRICT, SAME_SITE_NONE, SAME_SITE_OFF };

struct gateway_options {
	/* What it runs and where it listens */
	char *app;             /* path of the module; may be unset only for tools and tests */
	char *listen;          /* "127.0.0.1:5000", "[::]:5000", ":5000" */
	char *internal_listen; /* health, metrics, the HTTP API; NULL: none */
	int64_t workers;       /* processes that share `listen` */
	char *path;            /* "/socket.io" */
	char *public_dir;      /* option `public`: static pages; NULL: none */
	bool serve_client;
	char *client_dir; /* where the client bundle's files are */
	int log_level;
	bool watch;            /* the module is loaded anew when its file changes */
	bool debug;            /* log_level debug, and packets as they pass */
	int64_t loop_stall_ms; /* a turn of the loop that takes longer is named; 0: never */
	bool io_uring;         /* a turn's writes to WebSockets are made together, where the kernel can */

	/* TLS for clients; tls_listen NULL: none */
	char *tls_listen;
	struct config_list tls_cert_file, tls_key_file; /* pairs, by place */
	int tls_min_version;                            /* 0 TLS 1.2, 1 TLS 1.3 */
	char *tls_ciphers, *tls_ciphersuites;           /* of TLS 1.2, of 1.3; NULL: OpenSSL's */
	int64_t tls_handshake_timeout_ms, max_tls_handshakes;
	int64_t tls_reload_interval_ms; /* 0: files are read anew on SIGHUP only */
	bool https_redirect;
	char *https_redirect_host; /* "example.com", "example.com:8443"; NULL: that of the request */

	/* Engine.IO */
	struct config_list transports; /* "polling", "websocket" */
	int parser;                    /* 0 socket.io-parser, 1 socket.io-msgpack-parser */
	bool allow_upgrades;
	bool allow_eio3; /* protocol 3 as well: socket.io-client 2.x */
	bool jsonp;      /* polling by <script> as well */
	int64_t ping_interval_ms, ping_timeout_ms, upgrade_timeout_ms, connect_timeout_ms;
	bool always_connect;          /* a refused client is let in and put out again */
	int64_t max_http_buffer_size; /* bytes of one message or one polling payload */
	int64_t polling_close_timeout_ms; /* a closed polling session waits so long for the GET that takes its last packets */

	/* Origins */
	/* Not set: the same origin only; "*": any; set and empty: no check, no headers. */
	struct config_list cors_allowed_origins;
	bool cors_credentials;
	/* Of the answers to allowed origins; not set: the request's own (headers), nothing (exposed). */
	struct config_list cors_exposed_headers, cors_allowed_headers, cors_methods;
	int64_t cors_max_age_ms;            /* 0: not said */
	struct config_list trusted_proxies; /* for net_ranges_parse() */

	/* The cookie of a polling handshake */
	char *cookie, *cookie_path, *cookie_domain; /* its name, NULL: none is set */
	bool cookie_http_only, cookie_secure;
	int cookie_same_site;      /* enum cookie_same_site */
	int64_t cookie_max_age_ms; /* 0: until the browser ends */

	/* Compression of polling answers, of WebSocket messages */
	bool http_compression, per_message_deflate;
	int64_t compression_threshold; /* bytes of a payload or message that is worth it */

	/* Limits; 0 turns one off where the table says so */
	int64_t max_connections, max_head_size, max_request_line, max_headers;
	int64_t head_timeout_ms, body_timeout_ms, keep_alive_timeout_ms;
	/* By the second, and of one address; counted only, unless enforce_rates */
	int64_t max_sessions_per_address, max_new_sessions_per_address, max_new_sessions;
	int64_t max_waiting_handshakes;
	int64_t max_unknown_sids_per_address, max_event_rate, max_event_rate_per_address;
	bool enforce_rates;
	int64_t max_decode_packets, max_fragments, max_control_frames, max_send_queue, max_send_wait_ms;
	int64_t max_namespaces, max_rooms, max_room_name, max_event_name;
	int64_t max_attachments, max_json_depth, max_pending_acks, ack_timeout_ms, max_timers, max_effects;
	bool connection_state_recovery; /* who loses the connection may be recovered */
	int64_t max_disconnection_duration_ms, max_recovery_memory, max_recoverable_sessions;
	int64_t max_session_bytes, max_answers, max_answer_memory, max_handler_memory;
	int64_t background_threads, max_background_tasks, slow_handler_ms;

	/* The application elsewhere */
	int dispatch; /* enum dispatch_mode */
	char *app_name;
	int64_t event_timeout_ms, broker_timeout_ms;
	int64_t max_waiting_events, max_waiting_memory, max_backlog;
	char *webhook_url, *webhook_secret, *webhook_secret_file, *webhook_ca_file;
	struct config_list webhook_namespaces;
	bool webhook_handshake;
	int64_t webhook_timeout_ms, webhook_attempts, webhook_retry_ms, webhook_connections, webhook_max_answer;
	int64_t webhook_breaker_failures, webhook_breaker_rest_ms;

	/* Tokens of clients; no key at all: none are asked for */
	char *jwt_key, *jwt_key_file, *jwt_public_key_file, *jwt_jwks_file, *jwt_jwks_url, *jwt_ca_file;
	int64_t jwt_refetch_ms, jwt_refetch_min_ms, jwt_fetch_timeout_ms, jwt_max_jwks;
	struct config_list jwt_algorithms, jwt_issuer, jwt_audience, jwt_required, jwt_from, jwt_namespaces;
	char *jwt_name, *jwt_refresh_event;
	int64_t jwt_leeway_ms, jwt_refresh_before_ms, jwt_max_token;

	/* The HTTP API; NULL and NULL: off */
	char *api_key, *api_key_file;
	int64_t api_max_body, api_max_batch, api_max_list;
	int64_t api_idempotency_time_ms, api_idempotency_memory;

	/* The cluster */
	char *redis_url; /* NULL: this process is alone */
	char *redis_key; /* the prefix of every channel and key */
	char *redis_ca_file, *redis_cert_file, *redis_key_file, *redis_server_name;
	int64_t redis_connect_timeout_ms, redis_command_timeout_ms;
	int64_t redis_max_queue, redis_max_message, redis_max_publish, redis_max_waiting, redis_wait_ms;
	int64_t bus_probe_interval_ms;
	int subscriptions;  /* enum subscription_mode */
	int order;          /* enum message_order */
	char *node_name;    /* NULL: host#pid */
	char *node_address; /* NULL: that of internal_listen */
	int64_t node_beat_ms, node_lost_ms;
	int64_t max_cluster_requests;
	char *relay_secret, *relay_secret_file; /* NULL and NULL: one that is shared through Redis */
	int64_t max_relays, relay_connect_timeout_ms, relay_timeout_ms;
	bool ready_without_bus;
	struct config_list python_channels; /* of python-socketio's message queue; not set: none */
	bool python_pickle, python_list_is_args;

	/* Ending */
	int64_t drain_delay_ms;        /* after SIGTERM all goes on for so long, but /readyz */
	int64_t drain_rate;            /* then so many sessions are closed a second; 0: as shutdown_timeout wants it */
	int64_t shutdown_timeout_ms;   /* then all is to be over after so long */
	int64_t background_timeout_ms; /* background tasks have so long to end then */
	int64_t close_timeout_ms;      /* a closed connection is read so long for its peer's end */

	/* Which of several workers this is: no options, but what gateway/workers/workers.h tells each. */
	int64_t worker;          /* 0 to workers - 1 */
	int64_t worker_restarts; /* of this one, so far */
	int listen_fd;           /* bound to `listen`; 0: none is handed over */
	int tls_listen_fd;       /* to `tls_listen` */
	/* What keys of session tickets are drawn from, the same for all, and when that was, by clock_now_ms(); 0: none. */
	unsigned char tls_seed[GATEWAY_TLS_SEED_SIZE];
	int64_t tls_seeded_ms;
};

extern const struct config_table gateway_options_table;

static inline bool gateway_options_ask_tokens(const struct gateway_options *o)
{
	return o->jwt_key || o->jwt_key_file || o->jwt_public_key_file || o->jwt_jwks_file || o->jwt_jwks_url;
}

/* What is wrong of options that are good each by itself, one sentence for `why`. True: nothing. */
bool gateway_options_agree(const struct gateway_options *o, struct buf *why);

/* "host:5000" and 2 are "host:5002"; port 0, any free one, stays. The address is one that its option's check took. */
void gateway_options_address(const char *address, int64_t steps, char *to, size_t size);

#endif
