"""The tour of examples/getting-started by Debian's python3-socketio client.

    python_client.py URL TRANSPORT [SERIALIZER]

Prints `ok NAME` for each step and exits with 0 when all were taken; the first that fails ends it.
"""

import queue
import sys

import socketio

PATIENCE = 20
SERIALIZER = sys.argv[3] if len(sys.argv) > 3 else "default"


class Client(socketio.Client):
    """A client whose events lie in queues, one for each name."""

    def __init__(self, namespace="/"):
        super().__init__(reconnection=False, serializer=SERIALIZER)
        self.inboxes = {}
        for name in ("message", "json", "my response", "my_response", "answered", "error event"):
            self.listen(name, namespace)

    def listen(self, name, namespace):
        inbox = self.inboxes[name] = queue.Queue()
        self.on(name, lambda *args: inbox.put(args), namespace=namespace)

    def next(self, name):
        return self.inboxes[name].get(timeout=PATIENCE)

    def ask(self, name, data=None):
        """call() of the library: emits, and returns what was acked."""
        return self.call(name, data, timeout=PATIENCE)


def expect(what, got, wanted):
    if got != wanted:
        raise SystemExit(f"{what}: got {got!r} instead of {wanted!r}")
    print(f"ok {what}", flush=True)


def tour(url, transport):
    client = Client()
    client.on("question", lambda: ("forty-two", 42))
    client.connect(url, transports=[transport], auth={"token": "good"}, wait_timeout=PATIENCE)
    expect("connect", client.next("my response"), ({"data": "Connected"},))
    expect("transport", client.transport(), transport)

    client.send("Grüße, 世界 🏛")
    expect("message", client.next("message"), ("Grüße, 世界 🏛",))
    client.emit("json", {"a": [1, None, True, 0.5]})
    expect("json", client.next("json"), ({"a": [1, None, True, 0.5]},))
    expect("my event acks", client.ask("my event", {"x": 1}), ("one", 2))
    expect("my event", client.next("my response"), ({"x": 1},))
    client.emit("my_event", ("a", {"b": 1}, [2]))
    expect("my_event", client.next("my response"), ("a", {"b": 1}, [2]))
    expect("echo binary", client.ask("echo", bytes(range(256))), bytes(range(256)))
    expect("echo deep binary", client.ask("echo", {"a": [b"\x00", "b"]}), {"a": [b"\x00", "b"]})
    expect("echo large text", client.ask("echo", "é" * 100000), "é" * 100000)
    client.emit("ask")
    expect("ask", client.next("answered"), ("forty-two", 42))
    client.emit("my error event", {"y": 2})
    expect("my error event", client.next("error event"), ({"event": "my error event", "args": [{"y": 2}]},))

    client.emit("join", {"username": "Ada", "room": f"python {transport}"})
    expect("join", client.next("message"), ("Ada has entered the room.",))
    client.emit("my room event", {"room": f"python {transport}", "data": "hi"})
    expect("my room event", client.next("my response"), ({"data": "hi"},))
    client.emit("close room", {"room": f"python {transport}"})
    client.emit("my room event", {"room": f"python {transport}", "data": "nobody"})
    client.send("end")
    expect("close room", client.next("message"), ("end",))
    expect("nothing else came", [name for name, inbox in client.inboxes.items() if not inbox.empty()], [])
    client.disconnect()
    expect("disconnect", client.connected, False)


def test_namespace(url, transport):
    client = Client("/test")
    client.connect(url, transports=[transport], namespaces=["/test"], wait_timeout=PATIENCE)
    client.emit("my_event", {"z": 3}, namespace="/test")
    expect("/test my_event", client.next("my_response"), ({"z": 3},))
    client.disconnect()


def refusal(url, transport):
    client = socketio.Client(reconnection=False, serializer=SERIALIZER)
    errors = queue.Queue()
    client.on("connect_error", errors.put)
    # Waiting, connect() would sit out its whole time before it raises.
    client.connect(url, transports=[transport], auth={"token": "bad"}, wait=False)
    error = errors.get(timeout=PATIENCE)
    if SERIALIZER == "msgpack":
        error.pop("data")  # undefined, as Node's server has it; here an ext
    expect("refusal", error, {"message": "unauthorized!"})
    client.disconnect()


def upgrade(url):
    """Polling first, then WebSocket, as the library does by default."""
    client = Client()
    client.connect(url, wait_timeout=PATIENCE)
    expect("upgrade", client.transport(), "websocket")
    for i in range(100):
        client.emit("json", i)
    expect("order", [client.next("json") for _ in range(100)], [(i,) for i in range(100)])
    client.disconnect()


def main():
    url, transport = sys.argv[1:3]
    if transport == "upgrade":
        upgrade(url)
        return
    tour(url, transport)
    test_namespace(url, transport)
    refusal(url, transport)


main()
