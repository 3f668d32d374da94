/* socketio_parser.c - the default parser's row of the table. See socketio_parser.h. */
#include "socketio_parser.h"

#include <errno.h>

static void put_connected(struct buf *to, struct slice sid, struct slice pid)
{
	buf_add_str(to, "{\"sid\":\"");
	buf_add_slice(to, sid);
	if (pid.size) {
		buf_add_str(to, "\",\"pid\":\"");
		buf_add_slice(to, pid);
	}
	buf_add_str(to, "\"}");
}

static void put_message(struct buf *to, struct slice text)
{
	buf_add_str(to, "{\"message\":");
	json_encode_text(to, text);
	buf_add_char(to, '}');
}

static int put_json(struct buf *to, struct slice json, const struct slice *blobs, size_t n_blobs)
{
	(void)blobs;
	(void)n_blobs;
	buf_add_slice(to, json);
	return to->failed ? -ENOMEM : 0;
}

static int auth(struct buf *json, const struct sio_packet *connect)
{
	buf_add_slice(json, connect->data);
	return json->failed ? -ENOMEM : 0;
}

const struct sio_parser sio_default = {
	.encoding = VALUE_JSON,
	.parse = sio_parse,
	.frame = sio_frame,
	.put_connected = put_connected,
	.put_message = put_message,
	.put_json = put_json,
	.auth = auth,
};

const struct sio_parser *sio_parser_of(enum value_encoding encoding)
{
	static const struct sio_parser *const parsers[] = {
		[VALUE_JSON] = &sio_default, [VALUE_MSGPACK] = &sio_msgpack
	};

	return parsers[encoding];
}
