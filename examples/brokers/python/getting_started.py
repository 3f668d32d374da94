"""The tour of examples/getting-started, in Python, behind gateways with dispatch = broker.

    python3 getting_started.py --app-name app --redis-url redis://127.0.0.1 [--tick MS]
"""

import argparse

from stoa import Stoa, close_room, emit, join_room, leave_room, request, send

options = argparse.ArgumentParser()
options.add_argument("--app-name", default="app")
options.add_argument("--redis-url", default="redis://127.0.0.1")
options.add_argument("--tick", type=int, default=0, help="milliseconds; 0: never")
options = options.parse_args()
app = Stoa(options.app_name, options.redis_url)


@app.on("connect")
def connect(auth):
    if (auth or {}).get("token") == "bad":
        raise ConnectionRefusedError("unauthorized!")
    emit("my response", {"data": "Connected"})


@app.on("disconnect")
def disconnected(reason):
    print(f"disconnected: {reason}", flush=True)


@app.on("message")
def message(text):
    send(text)


@app.on("json")
def json(value):
    emit("json", value)


@app.on("my_event")
def my_underscore_event(a, b, c):
    emit("my response", a, b, c)


@app.on("my event")
def my_event(value):
    emit("my response", value)
    return "one", 2


@app.on("echo")
def echo(*args):
    return args


@app.on("ask")
def ask():
    emit("question", callback=lambda *answer: emit("answered", *answer))


@app.on("my broadcast event")
def my_broadcast_event(value):
    emit("my response", value, broadcast=True)


@app.on("join")
def join(data):
    join_room(data["room"])
    send(f"{data['username']} has entered the room.", to=data["room"])


@app.on("leave")
def leave(data):
    leave_room(data["room"])
    send(f"{data['username']} has left the room.", to=data["room"])


@app.on("my room event")
def my_room_event(data):
    emit("my response", {"data": data["data"]}, to=data["room"])


@app.on("close room")
def close(data):
    close_room(data["room"])


@app.on("my error event")
def my_error_event(*_):
    raise RuntimeError("this event always fails")


@app.on_error()
def failed(error):
    emit("error event", {"event": request.event["message"], "args": request.event["args"]})


if options.tick:

    @app.every(options.tick / 1000)
    def tick():
        emit("some event", {"data": 42}, broadcast=True)


@app.on("my_event", namespace="/test")
def test_event(*args):
    emit("my_response", *args)


app.run()
