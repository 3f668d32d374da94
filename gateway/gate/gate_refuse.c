/* gate_refuse.c - what clients are told, and what is counted: the operator is told more than the client. See gate.h. */
#include "gate_internal.h"
#include "log.h"

static const struct {
	enum metric_id metric;
	const char *name; /* for the log */
	const char *code, *message;
} verdicts[VERDICTS] = {
	[JWT_OK] = { M_TOKENS_ACCEPTED, "accepted", "", "" },
	[JWT_MALFORMED] = { M_TOKENS_MALFORMED, "malformed", "token_invalid", "invalid token" },
	[JWT_ALGORITHM] = { M_TOKENS_ALGORITHM, "algorithm", "token_invalid", "invalid token" },
	[JWT_CRITICAL] = { M_TOKENS_CRITICAL, "critical", "token_invalid", "invalid token" },
	[JWT_UNKNOWN_KEY] = { M_TOKENS_UNKNOWN_KEY, "unknown key", "token_invalid", "invalid token" },
	[JWT_SIGNATURE] = { M_TOKENS_SIGNATURE, "signature", "token_invalid", "invalid token" },
	[JWT_EXPIRED] = { M_TOKENS_EXPIRED, "expired", "token_expired", "token expired" },
	[JWT_NOT_YET] = { M_TOKENS_NOT_YET, "not yet", "token_not_yet_valid", "token not yet valid" },
	[JWT_ISSUER] = { M_TOKENS_ISSUER, "issuer", "token_invalid", "invalid token" },
	[JWT_AUDIENCE] = { M_TOKENS_AUDIENCE, "audience", "token_invalid", "invalid token" },
	[JWT_CLAIM] = { M_TOKENS_CLAIM, "claim", "token_invalid", "invalid token" },
	[TOKEN_MISSING] = { M_TOKENS_MISSING, "missing", "token_missing", "token missing" },
	[TOKEN_TOO_LARGE] = { M_TOKENS_TOO_LARGE, "too large", "token_invalid", "invalid token" },
	[TOKEN_UNCHECKED] = { M_TOKENS_UNCHECKED, "no keys", "token_unchecked",
		"tokens cannot be checked at the moment" },
	[TOKEN_SUBJECT] = { M_TOKENS_SUBJECT, "subject", "token_subject", "the token is of somebody else" },
	[TOKEN_AGAIN] = { M_TOKENS_UNKNOWN_KEY, "unknown key", "try_again", "the token's key is being asked for" },
};

static void count(const struct client *c, unsigned verdict, const char *what)
{
	metrics_count(verdicts[verdict].metric);
	if (verdict == TOKEN_TOO_LARGE)
		metrics_count(M_LIMIT_TOKEN);
	log_debug("token-refused", LOG_S("sid", c->sid), LOG_T("nsp", c->nsp), LOG_S("for", what),
		LOG_S("why", verdicts[verdict].name));
}

static void send(struct gate *g, struct client *c, struct sio_out out, const char *json)
{
	struct buf payload = BUF_INIT;

	if (g->clients->config.parser->put_json(&payload, slice_str(json), NULL, 0) < 0 || payload.failed) {
		metrics_count(M_OUT_OF_MEMORY);
	} else {
		out.nsp = c->nsp;
		out.json = buf_slice(&payload);
		client_send(c, &out);
	}
	buf_fini(&payload);
}

void gate_tell(struct gate *g, struct client *c, const char *json)
{
	metrics_count(M_EVENTS_SENT);
	send(g, c, (struct sio_out){ .type = SIO_EVENT }, json);
}

void gate_ack(struct gate *g, struct client *c, const struct sio_packet *asked, const char *json)
{
	if (!asked->has_id)
		return;
	metrics_count(M_ACKS_SENT);
	send(g, c, (struct sio_out){ .type = SIO_ACK, .has_id = true, .id = asked->id }, json);
}

void gate_refuse(struct gate *g, struct client *c, unsigned verdict)
{
	struct buf json = BUF_INIT, payload = BUF_INIT;

	count(c, verdict, "connect");
	buf_printf(&json, "{\"message\":\"%s\",\"data\":{\"code\":\"%s\"}}", verdicts[verdict].message,
		verdicts[verdict].code);
	g->clients->config.parser->put_json(&payload, buf_slice(&json), NULL, 0);
	client_refuse(c, buf_slice(&payload));
	buf_fini(&payload);
	buf_fini(&json);
}

void gate_refuse_refresh(struct gate *g, struct client *c, const struct sio_packet *asked, unsigned verdict)
{
	struct buf json = BUF_INIT;

	count(c, verdict, "refresh");
	buf_printf(&json, "[{\"ok\":false,\"code\":\"%s\",\"message\":\"%s\"}]", verdicts[verdict].code,
		verdicts[verdict].message);
	buf_add_char(&json, '\0');
	if (!json.failed)
		gate_ack(g, c, asked, json.at);
	buf_fini(&json);
}
