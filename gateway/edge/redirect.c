/*
 * redirect.c - from http to https (RFC 9110 15.4.9): 308 keeps method and body. What a trusted proxy says came by https is
 * left alone, or it would be sent in a circle; so are the files by which an ACME authority checks a name over http (RFC 8555
 * 8.3), and what other gateways bring.
 */
#include "edge_internal.h"
#include "metrics.h"
#include "tls.h"

enum { HOST_MAX = 261 }; /* a name of 255 characters and a port */

static bool is_name_char(char c)
{
	c = ascii_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

static bool is_inside_brackets(char c)
{
	c = ascii_lower(c);
	return (c >= 'a' && c <= 'f') || (c >= '0' && c <= '9') || c == ':' || c == '.';
}

/* What of a Host header is a name or address, without its port; empty: it is none. */
static struct slice name_of(struct slice host)
{
	bool brackets = host.size && host.at[0] == '[';
	size_t n = brackets ? 1 : 0;

	if (host.size > HOST_MAX)
		return (struct slice){ 0 };
	while (n < host.size && (brackets ? is_inside_brackets(host.at[n]) : is_name_char(host.at[n])))
		n++;
	if (brackets && (n == host.size || n < 3 || host.at[n++] != ']'))
		return (struct slice){ 0 };
	if (n < host.size && host.at[n] != ':')
		return (struct slice){ 0 };
	return slice_first(host, n);
}

/* ":8443" of "0.0.0.0:8443"; nothing for the port that https has anyway. */
static const char *port_of(const char *address)
{
	const char *port = strrchr(address, ':');

	return port && strcmp(port, ":443") != 0 ? port : "";
}

/* False: there is no host to go to. */
static bool put_location(struct edge *e, struct slice host, const struct http_head *head, struct buf *to)
{
	const char *fixed = e->config.options->https_redirect_host;
	struct slice name = name_of(host);

	if (!fixed && name.size == 0)
		return false;
	buf_add_str(to, "Location: https://");
	if (fixed) {
		buf_add_str(to, fixed);
	} else {
		buf_add_slice(to, name);
		buf_add_str(to, port_of(e->secure.address));
	}
	buf_add_slice(to, head->path);
	if (head->query.size) {
		buf_add_str(to, "?");
		buf_add_slice(to, head->query);
	}
	buf_add_str(to, "\r\n");
	return true;
}

bool redirect_to_https(struct http_conn *c, const struct http_head *head)
{
	struct edge *e = edge_of(c);
	struct forwarded from;
	struct buf lines = BUF_INIT;
	struct slice host = http_field_get(head, HTTP_F_HOST);
	bool known;

	if (c->service != &e->clients.service || head->path.at[0] != '/' ||
		slice_starts(head->path, SLICE("/.well-known/acme-challenge/")))
		return false;
	if (edge_read_origin(e, c, head, &from) && from.scheme == SCHEME_HTTPS)
		return false;
	known = put_location(e, from.host.at ? from.host : host, head, &lines) && !lines.failed;
	if (known)
		metrics_count(M_HTTPS_REDIRECTS);
	http_conn_answer(c,
		&(struct http_answer){ .status = known ? 308 : 400, .headers = known ? buf_slice(&lines) : SLICE("") });
	buf_fini(&lines);
	return true;
}
