"""What every client does, by Debian's python3-socketio: the threaded client and the one for asyncio.

    python_stock.py URL threaded|asyncio websocket|polling|upgrade

Speaks to apps/clients.c. Prints `ok NAME` for each step, and exits with 0 when all were taken. `left SID` names a client
whose end the server must have seen; at `restart`, the server is to end and to come back.
"""

import asyncio
import inspect
import queue
import sys

import socketio

PATIENCE = 30
UNICODE = "Grüße, 世界 🏛 \0\x1f\x7f\u2028\u2029 \ud800"
BINARY = [b"\x00\x01\xff", {"deep": [b"", "text", {"er": b"\x07\x08"}]}, b"\x09" * 3000]
NUMBERS = [2**53 + 1, 2**63 - 1, -(2**63), 2**64 - 1, 0.1, 1e21, 5e-324, -1.5]

# The threaded client hands each message to a thread of its own. Threads that are not interrupted keep the order.
sys.setswitchinterval(10)


class Client:
    """Either client, with the same words; its events lie in queues, one for each name and namespace."""

    def __init__(self, kind, **options):
        options = {"reconnection": False, **options}
        self.is_async = kind == "asyncio"
        self.sio = socketio.AsyncClient(**options) if self.is_async else socketio.Client(**options)
        self.inboxes = {}
        for namespace in ("/", "/other", "/guard"):
            for name in ("back", "said", "connect", "disconnect", "connect_error"):
                self.listen(name, namespace)
        self.sio.on("question", lambda *args: tuple(reversed(args)))

    def listen(self, name, namespace):
        inbox = self.inboxes[name, namespace] = asyncio.Queue() if self.is_async else queue.Queue()
        self.sio.on(name, lambda *args: inbox.put_nowait(args), namespace=namespace)

    async def do(self, method, *args, **named):
        result = getattr(self.sio, method)(*args, **named)
        return await result if inspect.isawaitable(result) else result

    async def next(self, name, namespace="/"):
        inbox = self.inboxes[name, namespace]
        if self.is_async:
            return await asyncio.wait_for(inbox.get(), PATIENCE)
        return inbox.get(timeout=PATIENCE)

    def heard(self):
        return [key for key, inbox in self.inboxes.items() if not inbox.empty()]

    async def emit(self, name, *args, namespace="/"):
        await self.do("emit", name, args, namespace=namespace)

    async def ask(self, name, *args, namespace="/"):
        """What was acked: None, one value, or a tuple of several."""
        return await self.do("call", name, args, namespace=namespace, timeout=PATIENCE)

    def sid(self, namespace="/"):
        return self.sio.get_sid(namespace)


def expect(what, got, wanted):
    if got != wanted:
        raise SystemExit(f"{what}: got {str(got)[:1000]!r} instead of {str(wanted)[:1000]!r}")
    print(f"ok {what}", flush=True)


class Tour:
    def __init__(self, url, kind, way):
        self.url, self.kind, self.way = url, kind, way
        self.transports = None if way == "upgrade" else [way]

    async def enter(self, namespaces=("/",), options=None, **named):
        client = Client(self.kind, **(options or {}))
        named = {"transports": self.transports, "wait_timeout": PATIENCE, **named}
        await client.do("connect", self.url, namespaces=list(namespaces), **named)
        for namespace in namespaces if named.get("wait", True) else ():
            await client.next("connect", namespace)
        return client

    async def events(self):
        client = await self.enter()
        expect("transport", client.sio.transport(), "polling" if self.way == "polling" else "websocket")
        for args in ((), ("one",), (1, "2", {"3": ["4"]}, None, True, False), (UNICODE, {UNICODE: [UNICODE]}), tuple(NUMBERS)):
            await client.emit("back", *args)
            expect(f"event with {len(args)}", await client.next("back"), args)
        await client.do("disconnect")

    async def acks(self):
        client = await self.enter()
        expect("ack of none", await client.ask("echo"), None)
        expect("ack of one", await client.ask("echo", {UNICODE: NUMBERS}), {UNICODE: NUMBERS})
        expect("ack of several", await client.ask("echo", 1, "two", [3]), (1, "two", [3]))
        expect("ack by the client", await client.ask("ask", "a", {"b": UNICODE}), ({"b": UNICODE}, "a"))
        expect("ack of none by the client", await client.ask("ask"), None)
        await client.do("disconnect")

    async def binary(self):
        client = await self.enter()
        await client.emit("back", *BINARY)
        expect("binary event", await client.next("back"), tuple(BINARY))
        expect("binary ack", await client.ask("echo", *BINARY), tuple(BINARY))
        expect("binary ack by the client", await client.ask("ask", *BINARY), tuple(reversed(BINARY)))
        text, data = "é世🏛" * 30000, bytes(i * i % 256 for i in range(600000))
        expect("large text", await client.ask("echo", text), text)
        expect("large binary", await client.ask("echo", data), data)
        await client.do("disconnect")

    async def rooms(self):
        ada, bob, eve = [await self.enter() for _ in range(3)]
        for client in (ada, bob):
            expect("join", "tea" in await client.ask("join", "tea"), True)
        await ada.emit("say", "tea", "hello", UNICODE)
        expect("room", await bob.next("said"), ("hello", UNICODE))
        await ada.emit("say", "tea", *BINARY)
        expect("binary to the room", await bob.next("said"), tuple(BINARY))
        expect("leave", "tea" in await bob.ask("leave", "tea"), False)
        await ada.emit("say", "tea", "nobody")
        for client in (ada, bob, eve):
            await client.ask("echo")
            expect("nothing else came", client.heard(), [])
            await client.do("disconnect")

    async def namespaces(self):
        client = await self.enter(["/", "/other"])
        expect("two ids", client.sid("/") != client.sid("/other"), True)
        for namespace in ("/", "/other"):
            expect(f"ack in {namespace}", await client.ask("echo", 1, namespace=namespace), 1)
            await client.emit("back", BINARY, namespace=namespace)
            expect(f"event in {namespace}", await client.next("back", namespace), (BINARY,))
        await client.emit("bye", namespace="/other")
        await client.next("disconnect", "/other")
        expect("the other namespace goes on", await client.ask("echo", 2), 2)
        await client.do("disconnect")

    async def refusal(self):
        # Waiting, connect() would sit out its whole time before it raises.
        client = await self.enter(["/guard"], auth={"token": "bad"}, wait=False)
        wanted = {"message": "not authorized", "data": {"code": 403, "words": ["ask", "again"]}}
        expect("refusal", await client.next("connect_error", "/guard"), (wanted,))
        await client.do("disconnect")
        auth = {"token": "good", "deep": [UNICODE]}
        client = await self.enter(["/guard"], auth=auth)
        expect("auth", await client.ask("auth", namespace="/guard"), auth)
        await client.do("disconnect")

    async def ends(self):
        for how in ("bye", "byebye"):
            client = await self.enter()
            print(f"left {client.sid()} server namespace disconnect", flush=True)
            await client.emit(how)
            expect(how, await client.next("disconnect"), ())
        client = await self.enter()
        if self.way != "polling":
            # By polling the library may end without having said so, and then its session ends with its heartbeat. The
            # DISCONNECT may be lost over WebSocket, too.
            print(f"left {client.sid()} client namespace disconnect|transport close", flush=True)
        await client.do("disconnect")
        expect("disconnect", client.sio.connected, False)

    async def reconnection(self):
        options = {"reconnection": True, "reconnection_delay": 0.1, "reconnection_delay_max": 0.2, "randomization_factor": 0}
        client = await self.enter(options=options)
        before = client.sid()
        print("restart", flush=True)
        await client.next("disconnect")
        await client.next("connect")
        expect("another id", client.sid() != before, True)
        expect("after reconnecting", await client.ask("echo", *BINARY), tuple(BINARY))
        await client.do("disconnect")


async def main():
    tour = Tour(*sys.argv[1:])
    for step in (tour.events, tour.acks, tour.binary, tour.rooms, tour.namespaces, tour.refusal, tour.ends, tour.reconnection):
        await step()
    print("ok all", flush=True)


asyncio.run(main())
