/*
 * gateway_checks.h - what the texts among the gateway's options may be, for the rows of gateway_options.c (`check` in config.h).
 * Each returns NULL, or what is wrong: a static text that follows the value in a message, and says what to write.
 */
#ifndef STOA_CONFIG_GATEWAY_CHECKS_H
#define STOA_CONFIG_GATEWAY_CHECKS_H

/* Where to listen; a host that an answer may name; whom to believe. */
const char *wrong_address(const char *text);
const char *wrong_host(const char *text);
const char *wrong_path(const char *text);
const char *wrong_proxy(const char *text);

/* What goes into headers. */
const char *wrong_origin(const char *text);
const char *wrong_header_name(const char *text);
const char *wrong_method(const char *text);
const char *wrong_cookie_name(const char *text);
const char *wrong_cookie_path(const char *text);
const char *wrong_cookie_domain(const char *text);

/* Keys and secrets, and where they are fetched. */
const char *wrong_key(const char *text);
const char *wrong_jwt_key(const char *text);
const char *wrong_keys_url(const char *text);

/* The cluster, and the application elsewhere. */
const char *wrong_redis_key(const char *text);
const char *wrong_node_text(const char *text);
const char *wrong_app_name(const char *text);
const char *wrong_namespace(const char *text);
const char *wrong_webhook_url(const char *text);

#endif
