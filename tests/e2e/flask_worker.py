"""A worker beside a Flask-SocketIO service, with nothing changed but the URL: what it is told on standard input, it says
through the message queue. One JSON array a line: [function, keyword arguments]; one line of JSON back when it is done."""

import json
import sys

from flask_socketio import SocketIO

url, channel = sys.argv[1:3]
socketio = SocketIO(message_queue=url, channel=channel)


def decoded(value):
    """JSON has no bytes and no tuples."""
    if isinstance(value, dict) and "bytes" in value:
        return bytes(value["bytes"])
    if isinstance(value, dict) and "tuple" in value:
        return tuple(decoded(item) for item in value["tuple"])
    if isinstance(value, dict):
        return {key: decoded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [decoded(item) for item in value]
    return value


manager = socketio.server.manager
for line in sys.stdin:
    name, args, kwargs = json.loads(line)
    target = socketio if name in ("emit", "send", "close_room") else manager
    getattr(target, name)(*decoded(args), **decoded(kwargs))
    print(json.dumps(name), flush=True)
