"""The application of ../apps/bench.c on Flask-SocketIO with gevent: flask_gevent.py PORT [REDIS_URL]"""

import signal
import sys

from gevent import monkey

monkey.patch_all()

from flask import Flask  # noqa: E402 - after the patch
from flask_socketio import SocketIO, emit, join_room  # noqa: E402

port = int(sys.argv[1])
options = {"message_queue": sys.argv[2]} if len(sys.argv) > 2 else {}
app = Flask(__name__)
socketio = SocketIO(app, async_mode="gevent", **options)


@socketio.on("join")
def on_join(room):
    join_room(room)


@socketio.on("say")
def on_say(room, payload):
    emit("say", payload, to=room)


@socketio.on("echo")
def on_echo(payload):
    return payload


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("ready", flush=True)
socketio.run(app, host="127.0.0.1", port=port)
