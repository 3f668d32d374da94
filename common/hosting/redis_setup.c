/* redis_setup.c - see redis_setup.h. */
#include "redis_setup.h"

#include <stdio.h>
#include <unistd.h>

int redis_setup_read(const struct gateway_options *o, struct redis_config *r, char *why, size_t why_size)
{
	const char *wrong = redis_url_parse(o->redis_url, &r->url);

	if (wrong) {
		snprintf(why, why_size, "redis_url: %s", wrong);
		return -1;
	}
	r->name = "stoa-gateway";
	r->ca_file = o->redis_ca_file;
	r->cert_file = o->redis_cert_file;
	r->key_file = o->redis_key_file;
	r->server_name = o->redis_server_name;
	r->connect_timeout_ms = o->redis_connect_timeout_ms;
	r->command_timeout_ms = o->redis_command_timeout_ms;
	r->max_queue = (size_t)o->redis_max_queue;
	r->max_message = (size_t)o->redis_max_message;
	return 0;
}

const char *redis_setup_node_name(const struct gateway_options *o, char *buf)
{
	char host[256];

	if (o->node_name)
		return o->node_name;
	if (gethostname(host, sizeof(host)) < 0)
		snprintf(host, sizeof(host), "stoa");
	host[60] = '\0'; /* with the number behind it a node's name stays below its limit */
	snprintf(buf, GATEWAY_NAME_MAX + 1, "%s#%ld", host, (long)getpid());
	return buf;
}
