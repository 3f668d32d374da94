/*
 * metrics.h - every number that Stoa counts, in one table, and their Prometheus text.
 *
 * A row is METRIC(id, type, name, labels, help). Rows of one name stand together and share type and help. Counters
 * only grow; gauges go both ways; those with _MS count milliseconds and are shown as seconds. A histogram is one row of
 * METRIC_TIMES(). The table is one of the house's three globals (log and clock are the others): one loop thread writes it,
 * so an increment is an addition.
 */
#ifndef STOA_METRICS_METRICS_H
#define STOA_METRICS_METRICS_H

#include "buf.h"

/* A histogram of durations, from 100 us to 10 s: its buckets, not cumulated, and their sum in microseconds. */
#define METRIC_TIMES(METRIC, id, name, help) \
	METRIC(id, BUCKET, name, "le=\"0.0001\"", help) \
	METRIC(id##_1MS, BUCKET, name, "le=\"0.001\"", help) \
	METRIC(id##_10MS, BUCKET, name, "le=\"0.01\"", help) \
	METRIC(id##_100MS, BUCKET, name, "le=\"0.1\"", help) \
	METRIC(id##_1S, BUCKET, name, "le=\"1\"", help) \
	METRIC(id##_10S, BUCKET, name, "le=\"10\"", help) \
	METRIC(id##_LONGER, BUCKET, name, "le=\"+Inf\"", help) \
	METRIC(id##_SUM, SUM_US, name, "", help)

/* To add a metric: add a row here, count it where it happens, name it in a test. Names: `stoa_` first, base units,
 * `_total` on counters. Labels are fixed text: a peer never chooses one. */
#define METRICS(METRIC) \
	METRIC(CONNECTIONS, GAUGE, "stoa_connections", "", "Open TCP connections of clients") \
	METRIC(CONNECTIONS_TOTAL, COUNTER, "stoa_connections_total", "", "TCP connections accepted") \
	METRIC(TLS_CONNECTIONS, GAUGE, "stoa_tls_connections", "", \
		"Open TLS connections of clients, unfinished handshakes included") \
	METRIC(TLS_OK, COUNTER, "stoa_tls_handshakes_total", "result=\"ok\"", "TLS handshakes of clients") \
	METRIC(TLS_RESUMED, COUNTER, "stoa_tls_handshakes_total", "result=\"resumed\"", "TLS handshakes of clients") \
	METRIC(TLS_FAILED, COUNTER, "stoa_tls_handshakes_total", "result=\"failed\"", "TLS handshakes of clients") \
	METRIC(TLS_LATE, COUNTER, "stoa_tls_handshakes_total", "result=\"timed out\"", "TLS handshakes of clients") \
	METRIC(TLS_REFUSED, COUNTER, "stoa_tls_handshakes_total", "result=\"refused\"", "TLS handshakes of clients") \
	METRIC(TLS_EXPIRES, GAUGE, "stoa_tls_certificate_expiry_timestamp_seconds", "", \
		"When the first of the certificates ends, in seconds since 1970") \
	METRIC(TLS_LOADS, COUNTER, "stoa_tls_certificate_loads_total", "result=\"ok\"", \
		"Times certificates were to be read anew") \
	METRIC(TLS_LOADS_FAILED, COUNTER, "stoa_tls_certificate_loads_total", "result=\"failed\"", \
		"Times certificates were to be read anew") \
	METRIC(HTTPS_REDIRECTS, COUNTER, "stoa_https_redirects_total", "", \
		"Requests without TLS that were sent to https://") \
	METRIC(SESSIONS_POLLING, GAUGE, "stoa_sessions", "transport=\"polling\"", "Open Engine.IO sessions") \
	METRIC(SESSIONS_WEBSOCKET, GAUGE, "stoa_sessions", "transport=\"websocket\"", "Open Engine.IO sessions") \
	METRIC(DRAINING, GAUGE, "stoa_draining", "", "Whether the process lets its sessions go, to end") \
	METRIC(HANDSHAKES, COUNTER, "stoa_handshakes_total", "result=\"ok\"", "Engine.IO handshakes") \
	METRIC(HANDSHAKES_REFUSED, COUNTER, "stoa_handshakes_total", "result=\"refused\"", "Engine.IO handshakes") \
	METRIC(HANDSHAKES_WAITING, GAUGE, "stoa_handshakes_waiting", "", \
		"Handshakes that the application has not decided on") \
	METRIC(UNKNOWN_SIDS, COUNTER, "stoa_unknown_sids_total", "", \
		"Requests refused because their session is not known, here or at its gateway") \
	METRIC(UPGRADES, COUNTER, "stoa_upgrades_total", "result=\"ok\"", "Upgrades from polling to WebSocket") \
	METRIC(UPGRADES_FAILED, COUNTER, "stoa_upgrades_total", "result=\"failed\"", \
		"Upgrades from polling to WebSocket") \
	METRIC(CLIENTS, GAUGE, "stoa_clients", "", "Socket.IO clients, one per connection and namespace") \
	METRIC(ROOMS, GAUGE, "stoa_rooms", "", "Rooms with members here, the clients' own not counted") \
	METRIC(EVENTS_RECEIVED, COUNTER, "stoa_events_total", "direction=\"in\"", "Socket.IO events") \
	METRIC(EVENTS_SENT, COUNTER, "stoa_events_total", "direction=\"out\"", "Socket.IO events") \
	METRIC(DELIVERIES, COUNTER, "stoa_deliveries_total", "", "Frames queued to connections") \
	METRIC(ACKS_RECEIVED, COUNTER, "stoa_acks_total", "direction=\"in\"", "Socket.IO acks") \
	METRIC(ACKS_SENT, COUNTER, "stoa_acks_total", "direction=\"out\"", "Socket.IO acks") \
	METRIC(ACKS_UNKNOWN, COUNTER, "stoa_acks_unknown_total", "", "Acks for an id never asked or already answered") \
	METRIC(RECOVERY_SESSIONS, GAUGE, "stoa_recovery_sessions", "", \
		"Clients that lost their connection and can be recovered") \
	METRIC(RECOVERY_PACKETS, GAUGE, "stoa_recovery_packets", "", "Packets kept for recovery") \
	METRIC(RECOVERY_BYTES, GAUGE, "stoa_recovery_bytes", "", "Memory of packets and clients kept for recovery") \
	METRIC(RECOVERY_SAVED, COUNTER, "stoa_recovery_saved_total", "", "Clients kept for recovery") \
	METRIC(RECOVERY_REPLAYED, COUNTER, "stoa_recovery_replayed_total", "", \
		"Packets sent to clients that were recovered") \
	METRIC(RECOVERY_RECOVERED, COUNTER, "stoa_recoveries_total", "result=\"recovered\"", \
		"Clients that asked to be recovered") \
	METRIC(RECOVERY_UNKNOWN, COUNTER, "stoa_recoveries_total", "result=\"unknown\"", \
		"Clients that asked to be recovered") \
	METRIC(RECOVERY_OFFSET, COUNTER, "stoa_recoveries_total", "result=\"offset\"", \
		"Clients that asked to be recovered") \
	METRIC(RECOVERY_FORGOTTEN, COUNTER, "stoa_recoveries_total", "result=\"forgotten\"", \
		"Clients that asked to be recovered") \
	METRIC(RECOVERY_LEFT, COUNTER, "stoa_recoveries_total", "result=\"left\"", \
		"Clients that asked to be recovered") \
	METRIC(RECOVERY_DEAF, COUNTER, "stoa_recoveries_total", "result=\"deaf\"", \
		"Clients that asked to be recovered") \
	METRIC(RECOVERY_TOO_MUCH, COUNTER, "stoa_recoveries_total", "result=\"too-much\"", \
		"Clients that asked to be recovered") \
	METRIC(RECOVERY_BUSY, COUNTER, "stoa_recoveries_total", "result=\"busy\"", \
		"Clients that asked to be recovered") \
	METRIC(BYTES_RECEIVED, COUNTER, "stoa_bytes_total", "direction=\"in\"", "Bytes of Engine.IO messages") \
	METRIC(BYTES_SENT, COUNTER, "stoa_bytes_total", "direction=\"out\"", "Bytes of Engine.IO messages") \
	METRIC(HANDLER_ERRORS, COUNTER, "stoa_handler_errors_total", "", "Events whose handler failed") \
	METRIC(LOOP_STALLS, COUNTER, "stoa_loop_stalls_total", "", \
		"Turns of the loop that took longer than loop_stall") \
	METRIC(LOOP_TURN_MAX, GAUGE_MS, "stoa_loop_turn_max_seconds", "", "The longest turn of the loop so far") \
	METRIC(LOOP_BUSY, COUNTER_MS, "stoa_loop_busy_seconds_total", "", "Time that the loop's turns took") \
	METRIC(IO_URING, GAUGE, "stoa_io_uring", "", "Whether writes to WebSockets go in batches of io_uring") \
	METRIC(IO_URING_WRITES, COUNTER, "stoa_io_uring_writes_total", "", \
		"Writes to WebSockets made in batches of io_uring") \
	METRIC(FRAMES_BYTES, GAUGE, "stoa_frames_bytes", "", \
		"Memory of messages that wait to be sent, each once for all who get it") \
	METRIC(MEMORY_RETURNS, COUNTER, "stoa_memory_returns_total", "", \
		"Times that free memory was given back to the system") \
	METRIC(WORKER, GAUGE, "stoa_worker", "", "Which of the workers this is, from 0") \
	METRIC(WORKERS, GAUGE, "stoa_workers", "", "Workers that share the port, of which this is one") \
	METRIC(WORKER_RESTARTS, COUNTER, "stoa_worker_restarts_total", "", \
		"Times this worker was started again after it had ended") \
	METRIC(RELOADS, COUNTER, "stoa_reloads_total", "result=\"ok\"", "Times the application was to be loaded anew") \
	METRIC(RELOADS_FAILED, COUNTER, "stoa_reloads_total", "result=\"failed\"", \
		"Times the application was to be loaded anew") \
	METRIC(CALL_TIMEOUTS, COUNTER, "stoa_call_timeouts_total", "", "Calls to clients that ran out of time") \
	METRIC(HTTP_REQUESTS, COUNTER, "stoa_http_requests_total", "", "HTTP requests with a well-formed head") \
	METRIC(API_OK, COUNTER, "stoa_api_requests_total", "result=\"ok\"", "Requests to the HTTP API") \
	METRIC(API_REPLAYED, COUNTER, "stoa_api_requests_total", "result=\"replayed\"", "Requests to the HTTP API") \
	METRIC(API_REFUSED, COUNTER, "stoa_api_requests_total", "result=\"refused\"", "Requests to the HTTP API") \
	METRIC(API_UNAUTHORIZED, COUNTER, "stoa_api_requests_total", "result=\"unauthorized\"", \
		"Requests to the HTTP API") \
	METRIC(API_FAILED, COUNTER, "stoa_api_requests_total", "result=\"failed\"", "Requests to the HTTP API") \
	METRIC(FILES_SERVED, COUNTER, "stoa_files_served_total", "", "Static files and client bundles answered") \
	METRIC(COMPRESSED_IN, COUNTER, "stoa_http_compression_bytes_total", "stage=\"in\"", \
		"Bytes of polling answers before and after compression") \
	METRIC(COMPRESSED_OUT, COUNTER, "stoa_http_compression_bytes_total", "stage=\"out\"", \
		"Bytes of polling answers before and after compression") \
	METRIC(WS_COMPRESSED_IN, COUNTER, "stoa_websocket_compression_bytes_total", "stage=\"in\"", \
		"Bytes of messages before and after compression, each message once") \
	METRIC(WS_COMPRESSED_OUT, COUNTER, "stoa_websocket_compression_bytes_total", "stage=\"out\"", \
		"Bytes of messages before and after compression, each message once") \
	METRIC(VOLATILE_DROPPED, COUNTER, "stoa_volatile_dropped_total", "", \
		"Volatile emits not queued because output was waiting") \
	METRIC(LATEST_DROPPED, COUNTER, "stoa_latest_dropped_total", "", \
		"Queued emits dropped because a later one replaced them") \
	METRIC(SLOW_HANDLERS, COUNTER, "stoa_slow_handlers_total", "", \
		"Events that held up the loop longer than slow_handler") \
	METRIC_TIMES(METRIC, HANDLER_TIME, "stoa_handler_seconds", \
		"Time that events took in the broker's worker processes") \
	METRIC(CREW_RUNNING, GAUGE, "stoa_broker_workers", "", "Worker processes that run the application") \
	METRIC(CREW_STARTED, COUNTER, "stoa_broker_workers_started_total", "", "Worker processes started") \
	METRIC(CREW_ENDED, COUNTER, "stoa_broker_workers_ended_total", "cause=\"ended\"", \
		"Worker processes that ended and should not have") \
	METRIC(CREW_TIMEOUTS, COUNTER, "stoa_broker_workers_ended_total", "cause=\"handler_timeout\"", \
		"Worker processes that ended and should not have") \
	METRIC(CREW_NONSENSE, COUNTER, "stoa_broker_workers_ended_total", "cause=\"nonsense\"", \
		"Worker processes that ended and should not have") \
	METRIC(ANSWERS_STRAY, COUNTER, "stoa_stray_answers_total", "", \
		"Answers to what a worker process asked that is gone") \
	METRIC(BATCHES_UNSENDABLE, COUNTER, "stoa_batches_unsendable_total", "", \
		"Batches of effects that could not be written or were too large") \
	METRIC(TOKENS_ACCEPTED, COUNTER, "stoa_tokens_total", "result=\"accepted\"", \
		"Tokens that clients showed, or should have") \
	METRIC(TOKENS_REFRESHED, COUNTER, "stoa_tokens_total", "result=\"refreshed\"", \
		"Tokens that clients showed, or should have") \
	METRIC(TOKENS_MISSING, COUNTER, "stoa_tokens_total", "result=\"missing\"", \
		"Tokens that clients showed, or should have") \
	METRIC(TOKENS_TOO_LARGE, COUNTER, "stoa_tokens_total", "result=\"too_large\"", \
		"Tokens that clients showed, or should have") \
	METRIC(TOKENS_MALFORMED, COUNTER, "stoa_tokens_total", "result=\"malformed\"", \
		"Tokens that clients showed, or should have") \
	METRIC(TOKENS_ALGORITHM, COUNTER, "stoa_tokens_total", "result=\"algorithm\"", \
		"Tokens that clients showed, or should have") \
	METRIC(TOKENS_CRITICAL, COUNTER, "stoa_tokens_total", "result=\"critical\"", \
		"Tokens that clients showed, or should have") \
	METRIC(TOKENS_UNKNOWN_KEY, COUNTER, "stoa_tokens_total", "result=\"unknown_key\"", \
		"Tokens that clients showed, or should have") \
	METRIC(TOKENS_SIGNATURE, COUNTER, "stoa_tokens_total", "result=\"signature\"", \
		"Tokens that clients showed, or should have") \
	METRIC(TOKENS_EXPIRED, COUNTER, "stoa_tokens_total", "result=\"expired\"", \
		"Tokens that clients showed, or should have") \
	METRIC(TOKENS_NOT_YET, COUNTER, "stoa_tokens_total", "result=\"not_yet\"", \
		"Tokens that clients showed, or should have") \
	METRIC(TOKENS_ISSUER, COUNTER, "stoa_tokens_total", "result=\"issuer\"", \
		"Tokens that clients showed, or should have") \
	METRIC(TOKENS_AUDIENCE, COUNTER, "stoa_tokens_total", "result=\"audience\"", \
		"Tokens that clients showed, or should have") \
	METRIC(TOKENS_CLAIM, COUNTER, "stoa_tokens_total", "result=\"claim\"", \
		"Tokens that clients showed, or should have") \
	METRIC(TOKENS_SUBJECT, COUNTER, "stoa_tokens_total", "result=\"subject\"", \
		"Tokens that clients showed, or should have") \
	METRIC(TOKENS_UNCHECKED, COUNTER, "stoa_tokens_total", "result=\"unchecked\"", \
		"Tokens that clients showed, or should have") \
	METRIC(TOKENS_OVER, COUNTER, "stoa_token_disconnects_total", "", \
		"Clients disconnected because their token had expired") \
	METRIC(TOKEN_KEYS, GAUGE, "stoa_token_keys", "", "Keys that tokens are checked with") \
	METRIC(TOKEN_KEYS_READ, COUNTER, "stoa_token_keys_reads_total", "result=\"ok\"", \
		"Times that these keys were read or fetched") \
	METRIC(TOKEN_KEYS_FAILED, COUNTER, "stoa_token_keys_reads_total", "result=\"failed\"", \
		"Times that these keys were read or fetched") \
	METRIC(DISPATCH_EVENTS, COUNTER, "stoa_dispatch_events_total", "", "Events given to brokers or the webhook") \
	METRIC(DISPATCH_AGAIN, COUNTER, "stoa_dispatch_again_total", "", \
		"Events given once more, because they may have been lost") \
	METRIC(DISPATCH_BATCHES, COUNTER, "stoa_dispatch_batches_total", "result=\"executed\"", \
		"Batches of effects that came from brokers or the webhook") \
	METRIC(DISPATCH_BATCHES_LATER, COUNTER, "stoa_dispatch_batches_total", "result=\"later\"", \
		"Batches of effects that came from brokers or the webhook") \
	METRIC(DISPATCH_BATCHES_OLD, COUNTER, "stoa_dispatch_batches_total", "result=\"old\"", \
		"Batches of effects that came from brokers or the webhook") \
	METRIC(DISPATCH_BATCHES_FAILED, COUNTER, "stoa_dispatch_batches_total", "result=\"failed\"", \
		"Batches of effects that came from brokers or the webhook") \
	METRIC(DISPATCH_BATCHES_BAD, COUNTER, "stoa_dispatch_batches_total", "result=\"malformed\"", \
		"Batches of effects that came from brokers or the webhook") \
	METRIC(DISPATCH_REFUSED_LATE, COUNTER, "stoa_dispatch_refused_total", "cause=\"event_timeout\"", \
		"Events that were given up: clients were told, where they could be") \
	METRIC(DISPATCH_REFUSED_QUEUE, COUNTER, "stoa_dispatch_refused_total", "cause=\"max_waiting_events\"", \
		"Events that were given up: clients were told, where they could be") \
	METRIC(DISPATCH_REFUSED_MEMORY, COUNTER, "stoa_dispatch_refused_total", "cause=\"max_waiting_memory\"", \
		"Events that were given up: clients were told, where they could be") \
	METRIC(DISPATCH_REFUSED_BACKLOG, COUNTER, "stoa_dispatch_refused_total", "cause=\"max_backlog\"", \
		"Events that were given up: clients were told, where they could be") \
	METRIC(DISPATCH_REFUSED_UNSERVED, COUNTER, "stoa_dispatch_refused_total", "cause=\"broker_timeout\"", \
		"Events that were given up: clients were told, where they could be") \
	METRIC(DISPATCH_REFUSED_LARGE, COUNTER, "stoa_dispatch_refused_total", "cause=\"too large\"", \
		"Events that were given up: clients were told, where they could be") \
	METRIC(DISPATCH_REFUSED_RESTING, COUNTER, "stoa_dispatch_refused_total", "cause=\"circuit breaker\"", \
		"Events that were given up: clients were told, where they could be") \
	METRIC(DISPATCH_REFUSED_CARRIER, COUNTER, "stoa_dispatch_refused_total", "cause=\"not carried\"", \
		"Events that were given up: clients were told, where they could be") \
	METRIC(DISPATCH_REFUSED_FAILED, COUNTER, "stoa_dispatch_refused_total", "cause=\"failed\"", \
		"Events that were given up: clients were told, where they could be") \
	METRIC(DISPATCH_REFUSED_BATCH, COUNTER, "stoa_dispatch_refused_total", "cause=\"bad batch\"", \
		"Events that were given up: clients were told, where they could be") \
	METRIC(DISPATCH_WAITING, GAUGE, "stoa_dispatch_waiting_events", "", \
		"Events that wait for brokers or the webhook, or for their batches") \
	METRIC(DISPATCH_WAITING_BYTES, GAUGE, "stoa_dispatch_waiting_bytes", "", "Memory that they take") \
	METRIC(DISPATCH_BURIED, COUNTER, "stoa_dispatch_given_up_clients_total", "", \
		"Clients closed because brokers had taken this gateway for dead") \
	METRIC(DISPATCH_BROKERS, GAUGE, "stoa_dispatch_brokers", "", "Brokers that are known to live") \
	METRIC_TIMES(METRIC, DISPATCH_TIME, "stoa_dispatch_seconds", "From an event until its batch was carried out") \
	METRIC(TASKS, GAUGE, "stoa_background_tasks", "", "Background tasks that run or wait for a thread") \
	METRIC(OUT_OF_MEMORY, COUNTER, "stoa_out_of_memory_total", "", "Connections or messages given up for memory") \
	METRIC(CLOSED_TRANSPORT, COUNTER, "stoa_disconnects_total", "reason=\"transport close\"", "Sessions ended") \
	METRIC(CLOSED_ERROR, COUNTER, "stoa_disconnects_total", "reason=\"transport error\"", "Sessions ended") \
	METRIC(CLOSED_PING, COUNTER, "stoa_disconnects_total", "reason=\"ping timeout\"", "Sessions ended") \
	METRIC(CLOSED_PARSE, COUNTER, "stoa_disconnects_total", "reason=\"parse error\"", "Sessions ended") \
	METRIC(CLOSED_FORCED, COUNTER, "stoa_disconnects_total", "reason=\"forced close\"", "Sessions ended") \
	METRIC(CLOSED_SERVER, COUNTER, "stoa_disconnects_total", "reason=\"server disconnect\"", "Sessions ended") \
	METRIC(CLOSED_SHUTDOWN, COUNTER, "stoa_disconnects_total", "reason=\"server shutting down\"", \
		"Sessions ended") \
	METRIC(CLOSED_SLOW, COUNTER, "stoa_disconnects_total", "reason=\"slow client\"", "Sessions ended") \
	METRIC(REDIS_CONNECTED_COMMANDS, GAUGE, "stoa_redis_connected", "role=\"commands\"", \
		"Connections to Redis that are ready") \
	METRIC(REDIS_CONNECTED_SUBSCRIBER, GAUGE, "stoa_redis_connected", "role=\"subscriber\"", \
		"Connections to Redis that are ready") \
	METRIC(REDIS_CONNECTS, COUNTER, "stoa_redis_connects_total", "", "Times a connection to Redis became ready") \
	METRIC(REDIS_COMMANDS_TOTAL, COUNTER, "stoa_redis_commands_total", "result=\"sent\"", \
		"Commands given to Redis") \
	METRIC(REDIS_REFUSED, COUNTER, "stoa_redis_commands_total", "result=\"queue full\"", \
		"Commands given to Redis") \
	METRIC(REDIS_QUEUED, GAUGE, "stoa_redis_queued_bytes", "", "Commands to Redis without an answer") \
	METRIC(REDIS_MESSAGES, COUNTER, "stoa_redis_messages_total", "", "Messages received from subscriptions") \
	METRIC(REDIS_BYTES_RECEIVED, COUNTER, "stoa_redis_bytes_total", "direction=\"in\"", "Bytes from and to Redis") \
	METRIC(REDIS_BYTES_SENT, COUNTER, "stoa_redis_bytes_total", "direction=\"out\"", "Bytes from and to Redis") \
	METRIC(REDIS_TROUBLE_RESOLVE, COUNTER, "stoa_redis_trouble_total", "kind=\"resolve\"", \
		"Connections to Redis lost, attempts that failed, and errors answered") \
	METRIC(REDIS_TROUBLE_CONNECT, COUNTER, "stoa_redis_trouble_total", "kind=\"connect\"", \
		"Connections to Redis lost, attempts that failed, and errors answered") \
	METRIC(REDIS_TROUBLE_TIMEOUT, COUNTER, "stoa_redis_trouble_total", "kind=\"timeout\"", \
		"Connections to Redis lost, attempts that failed, and errors answered") \
	METRIC(REDIS_TROUBLE_TLS, COUNTER, "stoa_redis_trouble_total", "kind=\"tls\"", \
		"Connections to Redis lost, attempts that failed, and errors answered") \
	METRIC(REDIS_TROUBLE_ENDED, COUNTER, "stoa_redis_trouble_total", "kind=\"ended\"", \
		"Connections to Redis lost, attempts that failed, and errors answered") \
	METRIC(REDIS_TROUBLE_SILENT, COUNTER, "stoa_redis_trouble_total", "kind=\"silent\"", \
		"Connections to Redis lost, attempts that failed, and errors answered") \
	METRIC(REDIS_TROUBLE_PROTOCOL, COUNTER, "stoa_redis_trouble_total", "kind=\"protocol\"", \
		"Connections to Redis lost, attempts that failed, and errors answered") \
	METRIC(REDIS_TROUBLE_TOO_LARGE, COUNTER, "stoa_redis_trouble_total", "kind=\"too-large\"", \
		"Connections to Redis lost, attempts that failed, and errors answered") \
	METRIC(REDIS_TROUBLE_MEMORY, COUNTER, "stoa_redis_trouble_total", "kind=\"memory\"", \
		"Connections to Redis lost, attempts that failed, and errors answered") \
	METRIC(REDIS_TROUBLE_AUTH, COUNTER, "stoa_redis_trouble_total", "kind=\"auth\"", \
		"Connections to Redis lost, attempts that failed, and errors answered") \
	METRIC(REDIS_TROUBLE_NOAUTH, COUNTER, "stoa_redis_trouble_total", "kind=\"noauth\"", \
		"Connections to Redis lost, attempts that failed, and errors answered") \
	METRIC(REDIS_TROUBLE_DATABASE, COUNTER, "stoa_redis_trouble_total", "kind=\"database\"", \
		"Connections to Redis lost, attempts that failed, and errors answered") \
	METRIC(REDIS_TROUBLE_LOADING, COUNTER, "stoa_redis_trouble_total", "kind=\"loading\"", \
		"Connections to Redis lost, attempts that failed, and errors answered") \
	METRIC(REDIS_TROUBLE_MAX_CLIENTS, COUNTER, "stoa_redis_trouble_total", "kind=\"max-clients\"", \
		"Connections to Redis lost, attempts that failed, and errors answered") \
	METRIC(REDIS_TROUBLE_DENIED, COUNTER, "stoa_redis_trouble_total", "kind=\"denied\"", \
		"Connections to Redis lost, attempts that failed, and errors answered") \
	METRIC(REDIS_TROUBLE_READ_ONLY, COUNTER, "stoa_redis_trouble_total", "kind=\"read-only\"", \
		"Connections to Redis lost, attempts that failed, and errors answered") \
	METRIC(REDIS_TROUBLE_NO_PERMISSION, COUNTER, "stoa_redis_trouble_total", "kind=\"no-permission\"", \
		"Connections to Redis lost, attempts that failed, and errors answered") \
	METRIC(REDIS_TROUBLE_MISCONF, COUNTER, "stoa_redis_trouble_total", "kind=\"misconf\"", \
		"Connections to Redis lost, attempts that failed, and errors answered") \
	METRIC(REDIS_TROUBLE_OUT_OF_MEMORY, COUNTER, "stoa_redis_trouble_total", "kind=\"out-of-memory\"", \
		"Connections to Redis lost, attempts that failed, and errors answered") \
	METRIC(REDIS_TROUBLE_BUSY, COUNTER, "stoa_redis_trouble_total", "kind=\"busy\"", \
		"Connections to Redis lost, attempts that failed, and errors answered") \
	METRIC(REDIS_TROUBLE_CLUSTER, COUNTER, "stoa_redis_trouble_total", "kind=\"cluster\"", \
		"Connections to Redis lost, attempts that failed, and errors answered") \
	METRIC(REDIS_TROUBLE_OTHER, COUNTER, "stoa_redis_trouble_total", "kind=\"other\"", \
		"Connections to Redis lost, attempts that failed, and errors answered") \
	METRIC(WEBHOOK_ANSWERED, COUNTER, "stoa_webhook_posts_total", "result=\"answered\"", \
		"Events posted to the webhook, each attempt") \
	METRIC(WEBHOOK_REFUSED, COUNTER, "stoa_webhook_posts_total", "result=\"refused\"", \
		"Events posted to the webhook, each attempt") \
	METRIC(WEBHOOK_FAILED, COUNTER, "stoa_webhook_posts_total", "result=\"failed\"", \
		"Events posted to the webhook, each attempt") \
	METRIC(WEBHOOK_UNREACHABLE, COUNTER, "stoa_webhook_posts_total", "result=\"unreachable\"", \
		"Events posted to the webhook, each attempt") \
	METRIC(WEBHOOK_TIMEOUT, COUNTER, "stoa_webhook_posts_total", "result=\"timed out\"", \
		"Events posted to the webhook, each attempt") \
	METRIC(WEBHOOK_LOST, COUNTER, "stoa_webhook_posts_total", "result=\"lost\"", \
		"Events posted to the webhook, each attempt") \
	METRIC(WEBHOOK_NONSENSE, COUNTER, "stoa_webhook_posts_total", "result=\"malformed\"", \
		"Events posted to the webhook, each attempt") \
	METRIC(WEBHOOK_RETRIES, COUNTER, "stoa_webhook_retries_total", "", \
		"Events that are posted to the webhook once more") \
	METRIC(WEBHOOK_POSTING, GAUGE, "stoa_webhook_posting", "", "Events that the webhook is at") \
	METRIC(WEBHOOK_BREAKER, GAUGE, "stoa_webhook_resting", "", \
		"1 while nothing is posted to the webhook because too much has failed") \
	METRIC(WEBHOOK_BREAKER_OPENED, COUNTER, "stoa_webhook_rests_total", "", "Times that this began") \
	METRIC_TIMES(METRIC, WEBHOOK_TIME, "stoa_webhook_seconds", "Time that the webhook took to answer") \
	METRIC(STREAMS_UP, GAUGE, "stoa_streams_up", "", "1 while events can go over Redis's streams") \
	METRIC(STREAMS_FRESH, COUNTER, "stoa_streams_fresh_total", "", \
		"Times the streams were up on another run of Redis than before, the first included") \
	METRIC(BUS_UP, GAUGE, "stoa_bus_up", "", "1 while all that is published to us is heard") \
	METRIC(BUS_LAG, GAUGE_MS, "stoa_bus_lag_seconds", "", "How long the last probe took through Redis and back") \
	METRIC(BUS_GAPS, COUNTER, "stoa_bus_gaps_total", "", \
		"Times messages of others were missed while the bus was down") \
	METRIC(BUS_DEAF, COUNTER, "stoa_bus_deaf_total", "", "Times a probe did not come back") \
	METRIC(BUS_SUBSCRIPTIONS, GAUGE, "stoa_bus_subscriptions", "", "Channels and patterns wanted") \
	METRIC(BUS_UNSETTLED, GAUGE, "stoa_bus_unsettled", "", \
		"1 while a name is wanted and not yet heard, or the other way round") \
	METRIC(BUS_SUBSCRIBES, COUNTER, "stoa_bus_subscribes_total", "", \
		"Names subscribed to, again after a reconnect too") \
	METRIC(BUS_UNSUBSCRIBES, COUNTER, "stoa_bus_unsubscribes_total", "", "Names given up") \
	METRIC(BUS_RECEIVED, COUNTER, "stoa_bus_messages_total", "direction=\"in\"", "Messages on the bus") \
	METRIC(BUS_PUBLISHED, COUNTER, "stoa_bus_messages_total", "direction=\"out\"", "Messages on the bus") \
	METRIC(BUS_BYTES_RECEIVED, COUNTER, "stoa_bus_bytes_total", "direction=\"in\"", \
		"Bytes of messages on the bus") \
	METRIC(BUS_BYTES_PUBLISHED, COUNTER, "stoa_bus_bytes_total", "direction=\"out\"", \
		"Bytes of messages on the bus") \
	METRIC(BUS_UNPUBLISHED_FULL, COUNTER, "stoa_bus_unpublished_total", "cause=\"queue full\"", \
		"Messages that did not go out, or may not have") \
	METRIC(BUS_UNPUBLISHED_LARGE, COUNTER, "stoa_bus_unpublished_total", "cause=\"too large\"", \
		"Messages that did not go out, or may not have") \
	METRIC(BUS_UNPUBLISHED_LATE, COUNTER, "stoa_bus_unpublished_total", "cause=\"waited too long\"", \
		"Messages that did not go out, or may not have") \
	METRIC(BUS_UNPUBLISHED_UNKNOWN, COUNTER, "stoa_bus_unpublished_total", "cause=\"connection lost\"", \
		"Messages that did not go out, or may not have") \
	METRIC(BUS_UNPUBLISHED_FAILED, COUNTER, "stoa_bus_unpublished_total", "cause=\"refused\"", \
		"Messages that did not go out, or may not have") \
	METRIC(BUS_DROPPED, COUNTER, "stoa_bus_dropped_total", "", "Messages on the bus that made no sense") \
	METRIC(CLUSTER_NODES, GAUGE, "stoa_cluster_nodes", "", "Other gateways of the cluster") \
	METRIC(CLUSTER_REQUESTS, COUNTER, "stoa_cluster_requests_total", "result=\"asked\"", \
		"Questions to other servers") \
	METRIC(CLUSTER_TIMEOUTS, COUNTER, "stoa_cluster_requests_total", "result=\"timed out\"", \
		"Questions to other servers") \
	METRIC(CLUSTER_REQUESTS_FULL, COUNTER, "stoa_cluster_requests_total", "result=\"refused\"", \
		"Questions to other servers") \
	METRIC(RELAY_POLL_ANSWERED, COUNTER, "stoa_relayed_total", "kind=\"poll\",result=\"answered\"", \
		"Requests of clients for sessions of other gateways") \
	METRIC(RELAY_POLL_UNKNOWN, COUNTER, "stoa_relayed_total", "kind=\"poll\",result=\"unknown\"", \
		"Requests of clients for sessions of other gateways") \
	METRIC(RELAY_POLL_FAILED, COUNTER, "stoa_relayed_total", "kind=\"poll\",result=\"failed\"", \
		"Requests of clients for sessions of other gateways") \
	METRIC(RELAY_POLL_ABORTED, COUNTER, "stoa_relayed_total", "kind=\"poll\",result=\"aborted\"", \
		"Requests of clients for sessions of other gateways") \
	METRIC(RELAY_POST_ANSWERED, COUNTER, "stoa_relayed_total", "kind=\"post\",result=\"answered\"", \
		"Requests of clients for sessions of other gateways") \
	METRIC(RELAY_POST_UNKNOWN, COUNTER, "stoa_relayed_total", "kind=\"post\",result=\"unknown\"", \
		"Requests of clients for sessions of other gateways") \
	METRIC(RELAY_POST_FAILED, COUNTER, "stoa_relayed_total", "kind=\"post\",result=\"failed\"", \
		"Requests of clients for sessions of other gateways") \
	METRIC(RELAY_POST_ABORTED, COUNTER, "stoa_relayed_total", "kind=\"post\",result=\"aborted\"", \
		"Requests of clients for sessions of other gateways") \
	METRIC(RELAY_UPGRADE_ANSWERED, COUNTER, "stoa_relayed_total", "kind=\"upgrade\",result=\"answered\"", \
		"Requests of clients for sessions of other gateways") \
	METRIC(RELAY_UPGRADE_UNKNOWN, COUNTER, "stoa_relayed_total", "kind=\"upgrade\",result=\"unknown\"", \
		"Requests of clients for sessions of other gateways") \
	METRIC(RELAY_UPGRADE_FAILED, COUNTER, "stoa_relayed_total", "kind=\"upgrade\",result=\"failed\"", \
		"Requests of clients for sessions of other gateways") \
	METRIC(RELAY_UPGRADE_ABORTED, COUNTER, "stoa_relayed_total", "kind=\"upgrade\",result=\"aborted\"", \
		"Requests of clients for sessions of other gateways") \
	METRIC(RELAYS, GAUGE, "stoa_relays", "", "Requests and WebSockets of clients that are with other gateways") \
	METRIC(RELAY_BYTES_IN, COUNTER, "stoa_relay_bytes_total", "direction=\"in\"", \
		"Bytes that other gateways answered, and bodies and WebSockets brought to them") \
	METRIC(RELAY_BYTES_OUT, COUNTER, "stoa_relay_bytes_total", "direction=\"out\"", \
		"Bytes that other gateways answered, and bodies and WebSockets brought to them") \
	METRIC(RELAYS_SERVED, COUNTER, "stoa_relays_received_total", "result=\"served\"", \
		"Requests that other gateways brought") \
	METRIC(RELAYS_DENIED, COUNTER, "stoa_relays_received_total", "result=\"denied\"", \
		"Requests that other gateways brought") \
	METRIC(BROKER_PARTITIONS, GAUGE, "stoa_broker_partitions", "", "Partitions held by this broker") \
	METRIC(BROKER_BROKERS, GAUGE, "stoa_broker_brokers", "", \
		"Brokers that share the partitions, of which this is one") \
	METRIC(BROKER_BACKLOG, GAUGE, "stoa_broker_backlog", "", \
		"Events in the streams of the partitions held, those under way included") \
	METRIC(BROKER_IN_WORK, GAUGE, "stoa_broker_in_work", "", "Events at workers") \
	METRIC(BROKER_OLDEST, GAUGE_MS, "stoa_broker_oldest_seconds", "", "Age of the oldest event under way") \
	METRIC(BROKER_UNCONFIRMED, GAUGE, "stoa_broker_unconfirmed_bytes", "", \
		"Batches kept until their gateway has acknowledged") \
	METRIC(BROKER_HANDLED, COUNTER, "stoa_broker_events_total", "result=\"handled\"", "Events that were read") \
	METRIC(BROKER_TOO_OLD, COUNTER, "stoa_broker_events_total", "result=\"too old\"", "Events that were read") \
	METRIC(BROKER_GIVEN_UP, COUNTER, "stoa_broker_events_total", "result=\"given up\"", "Events that were read") \
	METRIC(BROKER_RETRIES_CRASHED, COUNTER, "stoa_broker_retries_total", "cause=\"crashed\"", \
		"Events given to a worker once more") \
	METRIC(BROKER_RETRIES_TIMEOUT, COUNTER, "stoa_broker_retries_total", "cause=\"timeout\"", \
		"Events given to a worker once more") \
	METRIC(BROKER_RETRIES_STATE, COUNTER, "stoa_broker_retries_total", "cause=\"no state\"", \
		"Events given to a worker once more") \
	METRIC(BROKER_RETRIES_CLAIMED, COUNTER, "stoa_broker_retries_total", "cause=\"claimed\"", \
		"Events given to a worker once more") \
	METRIC(BROKER_DEAD_CRASHED, COUNTER, "stoa_broker_dead_letters_total", "reason=\"crashed\"", \
		"Events put on the dead letters") \
	METRIC(BROKER_DEAD_TIMEOUT, COUNTER, "stoa_broker_dead_letters_total", "reason=\"timeout\"", \
		"Events put on the dead letters") \
	METRIC(BROKER_DEAD_MALFORMED, COUNTER, "stoa_broker_dead_letters_total", "reason=\"malformed\"", \
		"Events put on the dead letters") \
	METRIC(BROKER_DEAD_STATE, COUNTER, "stoa_broker_dead_letters_total", "reason=\"no state\"", \
		"Events put on the dead letters") \
	METRIC(BROKER_DEAD_LARGE, COUNTER, "stoa_broker_dead_letters_total", "reason=\"too large\"", \
		"Events put on the dead letters") \
	METRIC(BROKER_LEASES_TAKEN, COUNTER, "stoa_broker_leases_total", "change=\"taken\"", "Leases of partitions") \
	METRIC(BROKER_LEASES_HANDED_OVER, COUNTER, "stoa_broker_leases_total", "change=\"handed over\"", \
		"Leases of partitions") \
	METRIC(BROKER_LEASES_EXPIRED, COUNTER, "stoa_broker_leases_total", "change=\"expired\"", \
		"Leases of partitions") \
	METRIC(BROKER_LEASES_LOST, COUNTER, "stoa_broker_leases_total", "change=\"lost\"", "Leases of partitions") \
	METRIC(BROKER_REPUBLISHED, COUNTER, "stoa_broker_republished_total", "", \
		"Batches published again because they were not acknowledged") \
	METRIC(BROKER_NOT_KEPT, COUNTER, "stoa_broker_not_kept_total", "", \
		"Batches published once only, as max_unconfirmed was reached") \
	METRIC(BROKER_ORPHANED, COUNTER, "stoa_broker_orphaned_total", "", \
		"Batches of lost gateways whose broadcasts were published") \
	METRIC(BROKER_CLIENTS_ENDED, COUNTER, "stoa_broker_lost_clients_total", "", \
		"Clients of lost gateways whose disconnect was brought") \
	METRIC(BROKER_UNSENT, COUNTER, "stoa_broker_unsent_total", "", \
		"Batches without an event, and broadcasts, that could not be published") \
	METRIC(LIMIT_PAYLOAD, COUNTER, "stoa_limit_total", "limit=\"max_http_buffer_size\"", "Refusals by a limit") \
	METRIC(LIMIT_PACKETS, COUNTER, "stoa_limit_total", "limit=\"max_decode_packets\"", "Refusals by a limit") \
	METRIC(LIMIT_FRAGMENTS, COUNTER, "stoa_limit_total", "limit=\"max_fragments\"", "Refusals by a limit") \
	METRIC(LIMIT_CONTROLS, COUNTER, "stoa_limit_total", "limit=\"max_control_frames\"", "Refusals by a limit") \
	METRIC(LIMIT_TOKEN, COUNTER, "stoa_limit_total", "limit=\"jwt_max_token\"", "Refusals by a limit") \
	METRIC(LIMIT_RELAYS, COUNTER, "stoa_limit_total", "limit=\"max_relays\"", "Refusals by a limit") \
	METRIC(LIMIT_HANDSHAKES, COUNTER, "stoa_limit_total", "limit=\"max_waiting_handshakes\"", \
		"Refusals by a limit") \
	METRIC(LIMIT_WAITING_EVENTS, COUNTER, "stoa_limit_total", "limit=\"max_waiting_events\"", \
		"Refusals by a limit") \
	METRIC(LIMIT_WAITING_MEMORY, COUNTER, "stoa_limit_total", "limit=\"max_waiting_memory\"", \
		"Refusals by a limit") \
	METRIC(LIMIT_BACKLOG, COUNTER, "stoa_limit_total", "limit=\"max_backlog\"", "Refusals by a limit") \
	METRIC(LIMIT_EVENT_TIME, COUNTER, "stoa_limit_total", "limit=\"event_timeout\"", "Refusals by a limit") \
	METRIC(LIMIT_QUEUE, COUNTER, "stoa_limit_total", "limit=\"max_send_queue\"", "Refusals by a limit") \
	METRIC(LIMIT_SEND_WAIT, COUNTER, "stoa_limit_total", "limit=\"max_send_wait\"", "Refusals by a limit") \
	METRIC(LIMIT_CONNECT_TIME, COUNTER, "stoa_limit_total", "limit=\"connect_timeout\"", "Refusals by a limit") \
	METRIC(LIMIT_UPGRADE_TIME, COUNTER, "stoa_limit_total", "limit=\"upgrade_timeout\"", "Refusals by a limit") \
	METRIC(LIMIT_NAMESPACES, COUNTER, "stoa_limit_total", "limit=\"max_namespaces\"", "Refusals by a limit") \
	METRIC(LIMIT_ROOMS, COUNTER, "stoa_limit_total", "limit=\"max_rooms\"", "Refusals by a limit") \
	METRIC(LIMIT_ROOM_NAME, COUNTER, "stoa_limit_total", "limit=\"max_room_name\"", "Refusals by a limit") \
	METRIC(LIMIT_ACKS, COUNTER, "stoa_limit_total", "limit=\"max_pending_acks\"", "Refusals by a limit") \
	METRIC(LIMIT_ACK_TIME, COUNTER, "stoa_limit_total", "limit=\"ack_timeout\"", "Refusals by a limit") \
	METRIC(LIMIT_TIMERS, COUNTER, "stoa_limit_total", "limit=\"max_timers\"", "Refusals by a limit") \
	METRIC(LIMIT_EFFECTS, COUNTER, "stoa_limit_total", "limit=\"max_effects\"", "Refusals by a limit") \
	METRIC(LIMIT_RECOVERY_MEMORY, COUNTER, "stoa_limit_total", "limit=\"max_recovery_memory\"", \
		"Refusals by a limit") \
	METRIC(LIMIT_RECOVERABLE_SESSIONS, COUNTER, "stoa_limit_total", "limit=\"max_recoverable_sessions\"", \
		"Refusals by a limit") \
	METRIC(LIMIT_SESSION, COUNTER, "stoa_limit_total", "limit=\"max_session_bytes\"", "Refusals by a limit") \
	METRIC(LIMIT_ANSWERS, COUNTER, "stoa_limit_total", "limit=\"max_answers\"", "Refusals by a limit") \
	METRIC(LIMIT_ANSWER_MEMORY, COUNTER, "stoa_limit_total", "limit=\"max_answer_memory\"", "Refusals by a limit") \
	METRIC(LIMIT_HANDLER_MEMORY, COUNTER, "stoa_limit_total", "limit=\"max_handler_memory\"", \
		"Refusals by a limit") \
	METRIC(LIMIT_ATTACHMENTS, COUNTER, "stoa_limit_total", "limit=\"max_attachments\"", "Refusals by a limit") \
	METRIC(LIMIT_TASKS, COUNTER, "stoa_limit_total", "limit=\"max_background_tasks\"", "Refusals by a limit") \
	METRIC(LIMIT_TASK_TIME, COUNTER, "stoa_limit_total", "limit=\"background_timeout\"", "Refusals by a limit") \
	METRIC(LIMIT_API_BODY, COUNTER, "stoa_limit_total", "limit=\"api_max_body\"", "Refusals by a limit") \
	METRIC(LIMIT_API_BATCH, COUNTER, "stoa_limit_total", "limit=\"api_max_batch\"", "Refusals by a limit") \
	METRIC(LIMIT_API_LIST, COUNTER, "stoa_limit_total", "limit=\"api_max_list\"", "Refusals by a limit") \
	METRIC(LIMIT_API_MEMORY, COUNTER, "stoa_limit_total", "limit=\"api_idempotency_memory\"", \
		"Refusals by a limit") \
	METRIC(LIMIT_CONNECTIONS, COUNTER, "stoa_limit_total", "limit=\"max_connections\"", "Refusals by a limit") \
	METRIC(LIMIT_HEAD, COUNTER, "stoa_limit_total", "limit=\"max_head\"", "Refusals by a limit") \
	METRIC(LIMIT_HEAD_TIME, COUNTER, "stoa_limit_total", "limit=\"head_timeout\"", "Refusals by a limit") \
	METRIC(LIMIT_BODY_TIME, COUNTER, "stoa_limit_total", "limit=\"body_timeout\"", "Refusals by a limit") \
	METRIC(LIMIT_IDLE_TIME, COUNTER, "stoa_limit_total", "limit=\"keep_alive_timeout\"", "Refusals by a limit") \
	METRIC(LIMIT_ADDRESS_SESSIONS, COUNTER, "stoa_limit_total", "limit=\"max_sessions_per_address\"", \
		"Refusals by a limit") \
	METRIC(LIMIT_ADDRESS_OPENS, COUNTER, "stoa_limit_total", "limit=\"max_new_sessions_per_address\"", \
		"Refusals by a limit") \
	METRIC(LIMIT_ADDRESS_STRANGERS, COUNTER, "stoa_limit_total", "limit=\"max_unknown_sids_per_address\"", \
		"Refusals by a limit") \
	METRIC(LIMIT_ADDRESS_EVENTS, COUNTER, "stoa_limit_total", "limit=\"max_event_rate_per_address\"", \
		"Refusals by a limit") \
	METRIC(LIMIT_OPENS, COUNTER, "stoa_limit_total", "limit=\"max_new_sessions\"", "Refusals by a limit") \
	METRIC(LIMIT_EVENTS, COUNTER, "stoa_limit_total", "limit=\"max_event_rate\"", "Refusals by a limit") \
	METRIC(LIMIT_TLS_HANDSHAKES, COUNTER, "stoa_limit_total", "limit=\"max_tls_handshakes\"", \
		"Refusals by a limit") \
	METRIC(LIMIT_TLS_TIME, COUNTER, "stoa_limit_total", "limit=\"tls_handshake_timeout\"", "Refusals by a limit") \
	METRIC(BAD_HEAD, COUNTER, "stoa_malformed_total", "part=\"http\"", "Malformed input that ended a connection") \
	METRIC(BAD_ENGINEIO, COUNTER, "stoa_malformed_total", "part=\"engine.io\"", \
		"Malformed input that ended a connection") \
	METRIC(BAD_SOCKETIO, COUNTER, "stoa_malformed_total", "part=\"socket.io\"", \
		"Malformed input that ended a connection") \
	METRIC(BAD_WEBSOCKET, COUNTER, "stoa_malformed_total", "part=\"websocket\"", \
		"Malformed input that ended a connection")

enum metric_id {
#define METRIC_ID_(id, type, name, labels, help) M_##id,
	METRICS(METRIC_ID_)
#undef METRIC_ID_
		METRIC_COUNT
};

extern int64_t metrics_values[METRIC_COUNT];

static inline void metrics_add(enum metric_id id, int64_t n)
{
	metrics_values[id] += n;
}
static inline void metrics_count(enum metric_id id)
{
	metrics_values[id]++;
}
static inline void metrics_set(enum metric_id id, int64_t n) /* a gauge */
{
	metrics_values[id] = n;
}
static inline int64_t metrics_get(enum metric_id id)
{
	return metrics_values[id];
}

/* Counts a duration; `first` is the id of a METRIC_TIMES(). */
void metrics_time(enum metric_id first, int64_t us);

/* Adds what another process has counted since the last time: `now` are all its values, `before` what was added already
 * (zeroes at first), which is then what `now` is. `is_over`: the process has ended, so its gauges are taken back. */
void metrics_merge(const int64_t *now, int64_t *before, bool is_over);

/* Warns of every limit that was passed since the last time, at most once a second: `limit passed limit=.. count=..`.
 * Those that are logged where they happen, with more than a number, are left to that; connections that were idle for
 * keep_alive_timeout are nobody's fault. */
void metrics_log_limits(int64_t now_ms);

/* Appends all of them as Prometheus text, exposition format 0.0.4: HELP and TYPE once per name, then the process's
 * own (process_resident_memory_bytes, process_open_fds, process_max_fds, process_cpu_seconds_total,
 * process_start_time_seconds) and stoa_log_dropped_total. */
void metrics_write(struct buf *to);

#endif
