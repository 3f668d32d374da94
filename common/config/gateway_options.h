/*
 * gateway_options.h - the options of stoa-gateway. The table is gateway_options.c; add an option there and a field
 * here, and read the field where it acts.
 */
#ifndef STOA_CONFIG_GATEWAY_OPTIONS_H
#define STOA_CONFIG_GATEWAY_OPTIONS_H

#include "config.h"

enum { TRANSPORT_POLLING = 1, TRANSPORT_WEBSOCKET = 2 };

struct gateway_options {
	/* What it runs and where it listens */
	char *app;             /* path of the module; may be unset only for tools and tests */
	char *listen;          /* "127.0.0.1:5000", "[::]:5000", ":5000" */
	char *internal_listen; /* health, metrics, the HTTP API; NULL: none */
	char *path;            /* "/socket.io" */
	char *public_dir;      /* option `public`: static pages; NULL: none */
	bool serve_client;
	char *client_dir; /* where the client bundle's files are */
	int log_level;
	bool watch;            /* the module is loaded anew when its file changes */
	bool debug;            /* log_level debug, and packets as they pass */
	int64_t loop_stall_ms; /* a turn of the loop that takes longer is named; 0: never */

	/* Engine.IO */
	struct config_list transports; /* "polling", "websocket" */
	bool allow_upgrades;
	int64_t ping_interval_ms, ping_timeout_ms, upgrade_timeout_ms, connect_timeout_ms;
	bool always_connect;          /* a refused client is let in and put out again */
	int64_t max_http_buffer_size; /* bytes of one message or one polling payload */
	int64_t polling_close_timeout_ms; /* a closed polling session waits so long for the GET that takes its last packets */

	/* Origins */
	/* Not set: the same origin only; "*": any; set and empty: no check, no headers. */
	struct config_list cors_allowed_origins;
	bool cors_credentials;

	/* Limits; 0 turns one off where the table says so */
	int64_t max_connections, max_head_size, max_request_line, max_headers;
	int64_t head_timeout_ms, body_timeout_ms, keep_alive_timeout_ms;
	int64_t max_decode_packets, max_fragments, max_send_queue;
	int64_t max_namespaces, max_rooms, max_room_name, max_event_name;
	int64_t max_attachments, max_json_depth, max_pending_acks, ack_timeout_ms, max_timers, max_effects;
	int64_t max_session_bytes, max_answers, max_answer_memory, max_handler_memory;
	int64_t background_threads, max_background_tasks, slow_handler_ms;

	/* The HTTP API; NULL and NULL: off */
	char *api_key, *api_key_file;
	int64_t api_max_body, api_max_batch, api_max_list;
	int64_t api_idempotency_time_ms, api_idempotency_memory;

	/* Ending */
	int64_t shutdown_timeout_ms;   /* after SIGTERM clients have so long to take their last bytes */
	int64_t background_timeout_ms; /* background tasks have so long to end then */
	int64_t close_timeout_ms;      /* a closed connection is read so long for its peer's end */
};

extern const struct config_table gateway_options_table;

#endif
