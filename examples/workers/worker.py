"""Writes into a room of the chat every few seconds, from beside the gateways: nothing here serves clients.

Flask-SocketIO hands what is emitted to Redis, on the channel "flask-socketio"; a gateway whose option python_channels
names that channel passes it on. An existing Flask-SocketIO worker needs no change but the URL.
"""

import os
import time

from flask_socketio import SocketIO

socketio = SocketIO(message_queue=os.environ.get("REDIS_URL", "redis://127.0.0.1"))
room = os.environ.get("ROOM", "lobby")
every = float(os.environ.get("EVERY", "5"))
count = 0

while True:
    count += 1
    socketio.emit("chat", f"Python worker: this is number {count}", to=room)
    print(f"emitted {count} to {room}")
    time.sleep(every)
