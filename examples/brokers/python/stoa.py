"""Handlers of Socket.IO events behind Stoa's gateways, in the way of Flask-SocketIO; needs a Redis client and nothing else.

    from stoa import Stoa, emit, join_room
    app = Stoa("chat", "redis://127.0.0.1")

    @app.on("join")
    def join(room):
        join_room(room)
        emit("joined", room, to=room)
        return "welcome"                       # what the client's callback gets

    app.run()

Any number of these run beside each other, and beside stoa-broker; docs/broker-protocol.md has the formats. Events are handled one at
a time: a handler that takes longer than the lease loses its partitions to others. For clients of the default parser (JSON).
"""

import base64
import json
import os
import signal
import time
import uuid

import redis

# --- What handlers use: one event at a time, so what it is about stands here ------------------------------------------


class Request:
    """The event in hand: sid, namespace, auth, claims, address, rooms, and event = {"message": its name, "args": [..]}."""


class Session(dict):
    """What is kept of the event's client; a change goes to its gateway."""

    def __setitem__(self, key, value):
        super().__setitem__(key, value)
        effect("session", key=key, value=value)

    def __delitem__(self, key):
        super().__delitem__(key)
        effect("session", key=key)


request, session, effects = Request(), Session(), []


def effect(do, **members):
    effects.append({"do": do, **{key: value for key, value in members.items() if value is not None and value is not False}})


def target(to=None, broadcast=False, include_self=True, skip_sid=None, namespace=None):
    one = lambda names: [names] if isinstance(names, str) else names
    return {"rooms": one(to), "all": broadcast and to is None, "skip": one(skip_sid), "skip_self": not include_self, "nsp": namespace}


def emit(event, *args, callback=None, timeout=60, **whom):
    data, attachments = pack([event, *args])
    call = Stoa.running.expect(callback, timeout) if callback else {}
    effect("call" if callback else "emit", data=data, attachments=attachments or None, **call, **target(**whom))


def send(message, **whom):
    emit("message", message, **whom)


def join_room(room, sid=None, namespace=None):
    effect("join", room=room, sid=sid, nsp=namespace)


def leave_room(room, sid=None, namespace=None):
    effect("leave", room=room, sid=sid, nsp=namespace)


def close_room(room, namespace=None):
    effect("leave", room=room, rooms=[room], nsp=namespace)


def disconnect(sid=None, namespace=None):
    effect("disconnect", sid=sid, nsp=namespace)


# --- Binary: a placeholder in the arguments, base64 beside them ------------------------------------------------------


def pack(value):
    attachments = []

    def put(v):
        if isinstance(v, (bytes, bytearray)):
            attachments.append(base64.b64encode(v).decode())
            return {"_placeholder": True, "num": len(attachments) - 1}
        if isinstance(v, (list, tuple)):
            return [put(item) for item in v]
        return {key: put(item) for key, item in v.items()} if isinstance(v, dict) else v

    return put(value), attachments


def unpack(value, attachments):
    def take(v):
        if isinstance(v, list):
            return [take(item) for item in v]
        if isinstance(v, dict):
            return blobs[v["num"]] if v.get("_placeholder") is True else {key: take(item) for key, item in v.items()}
        return v

    blobs = [base64.b64decode(text) for text in attachments or []]
    return take(value) if blobs else value


def write(record):
    return json.dumps(record, separators=(",", ":"), allow_nan=False)


# --- The worker -------------------------------------------------------------------------------------------------------

CLAIM_KEY = """local v = redis.call('GET', KEYS[1])
if v and v ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1"""
RELEASE_KEY = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"
END_CLIENT = "if redis.call('EXISTS', KEYS[3]) == 0 and redis.call('HDEL', KEYS[1], ARGV[1]) == 1 then redis.call('XADD', KEYS[2], '*', 'e', ARGV[2]) end"
LOST_N = 2**53 - 1  # of a disconnect whose gateway is gone: no gateway counts so far
BEAT, CONFIRM, GONE = 1.0, 2.0, 5.0  # seconds: leases are renewed, batches published again, gateways given up
LISTED = 86400  # seconds: how long a list is kept that nobody renews


class Partition:
    def __init__(self, app, number):
        self.events, self.clients, self.lease = (app.name(what, number) for what in ("events", "clients", "lease"))
        self.number, self.until, self.leaving = number, 0.0, None  # until: by time.monotonic(); leaving: since when
        self.open = {}  # id of an entry -> [node, batch, when it was published]


class Stoa:
    running = None

    def __init__(self, app="app", redis_url="redis://127.0.0.1", partitions=32, lease=5.0):
        self.app, self.redis, self.partitions, self.lease = app, redis.from_url(redis_url), partitions, lease
        self.id = f"py-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self.handlers, self.error_handlers, self.tasks = {}, {}, []
        self.held, self.states, self.calls, self.absent = {}, {}, {}, {}
        self.stopping, self.next_beat, self.next_scan, self.last_call, self.any_node = False, 0.0, 0.0, 0, None
        self.started = int(time.time() * 1000)
        Stoa.running = self

    def on(self, event, namespace="/"):
        return lambda fn: self.handlers.setdefault(namespace, {}).__setitem__(event, fn) or fn

    def on_error(self, namespace="/"):
        return lambda fn: self.error_handlers.__setitem__(namespace, fn) or fn

    def every(self, seconds):
        """A function that one of all workers runs so often."""
        return lambda fn: self.tasks.append([seconds, 0.0, fn]) or fn

    def name(self, what, which=None):
        return f"stoa:{what}:{self.app}" + ("" if which is None else f":{which}")

    def run(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: setattr(self, "stopping", True))
        while not self.stopping or self.held:
            try:
                self.register()
                while not self.stopping or self.held:
                    self.turn()
            except redis.exceptions.RedisError as error:
                print(f"Redis: {error}", flush=True)
                for p in self.held.values():
                    p.until = 0.0  # until it was taken again
                if self.stopping:
                    return
                time.sleep(0.5)

    def register(self):
        record = {"v": 1, "partitions": self.partitions, "namespaces": list(self.handlers)}
        self.redis.setnx(self.name("app"), write(record))
        self.partitions = record["partitions"] = json.loads(self.redis.get(self.name("app")))["partitions"]
        self.redis.set(self.name("app"), write(record))
        self.redis.publish(self.name("app"), write(record))
        for p in self.held.values():
            self.make_group(p)
        self.next_beat = 0.0

    def make_group(self, p):
        try:
            self.redis.xgroup_create(p.events, "stoa", "0", mkstream=True)
        except redis.exceptions.ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    def turn(self):
        if time.monotonic() >= self.next_beat:
            self.beat()
        wait = self.run_tasks()
        mine = {p.events: p for p in self.held.values() if p.leaving is None}
        if not mine:
            return time.sleep(min(wait, 0.1))
        read = self.redis.xreadgroup("stoa", self.id, {events: ">" for events in mine}, count=16, block=max(1, int(wait * 1000)))
        for events, entries in read:
            for entry, fields in entries:
                self.handle(mine[events.decode()], entry.decode(), fields[b"e"])
                self.keep_leases()

    # Leases.

    def beat(self):
        self.next_beat = time.monotonic() + BEAT
        kept = [p.number for p in self.held.values() if p.leaving is None]
        if self.stopping:
            self.redis.delete(self.name("broker", self.id))
            share = 0
        else:
            share = self.share(kept)
        self.keep_leases(now=True)
        for p in [self.held[number] for number in kept[share:] if number in self.held]:
            p.leaving = time.monotonic()
        for number in range(self.partitions):
            if len(kept) < share and number not in self.held and self.claim(p := Partition(self, number)):
                self.held[number] = p
                self.make_group(p)
                kept.append(number)
        for p in list(self.held.values()):
            self.look(p)
        if time.monotonic() >= self.next_scan:
            self.next_scan = time.monotonic() + GONE
            self.end_lost_clients()

    def share(self, kept):
        record = {"v": 1, "id": self.id, "name": f"{os.uname().nodename}#{os.getpid()}", "serves": True, "slots": 1, "partitions": kept,
                  "in_work": 0, "unconfirmed": 0, "backlog": 0, "oldest": 0, "started": self.started}
        self.redis.set(self.name("broker", self.id), write(record), px=int(self.lease * 1000))
        self.redis.sadd(self.name("brokers"), self.id)
        self.redis.expire(self.name("brokers"), LISTED)
        others = [json.loads(text) for name, text in self.listed("broker").items() if name != self.id]
        workers = [r for r in others if r.get("serves")] + [record]
        rank = sorted(workers, key=lambda r: (-len(r["partitions"]), r["id"])).index(record)
        return self.partitions // len(workers) + (rank < self.partitions % len(workers))

    def listed(self, what):
        """Those of the list whose keys are there, with their values; the others are taken off."""
        names = sorted(self.redis.srandmember(self.name(what + "s"), 1024))
        values = dict(zip(names, self.redis.mget([self.name(what, "").encode() + name for name in names]))) if names else {}
        if gone := [name for name in names if values[name] is None]:
            self.redis.srem(self.name(what + "s"), *gone)
        return {name.decode(): text for name, text in values.items() if text is not None}

    def claim(self, p):
        asked = time.monotonic()
        if self.redis.eval(CLAIM_KEY, 1, p.lease, self.id, int(self.lease * 1000)) != 1:
            return False
        p.until = asked + self.lease
        return True

    def keep_leases(self, now=False):
        for p in list(self.held.values()):
            if (now or p.until - time.monotonic() < self.lease / 2) and not self.claim(p):
                del self.held[p.number]

    # Events.

    def pending(self, p):
        after = "-"
        while page := self.redis.xpending_range(p.events, "stoa", after, "+", 100):
            yield from page
            after = "(" + page[-1]["message_id"].decode()

    def look(self, p):
        """What is pending: of a batch of ours, not carried out yet; anything else was left by another, or is not known to have come."""
        seen = set()
        for one in list(self.pending(p)):
            entry = one["message_id"].decode()
            seen.add(entry)
            if entry in p.open:
                self.publish_again(p, entry)
            elif p.leaving is None:
                for _, fields in self.redis.xclaim(p.events, "stoa", self.id, 0, [entry], retrycount=one["times_delivered"]):
                    if fields:
                        self.handle(p, entry, fields[b"e"])
        p.open = {entry: batch for entry, batch in p.open.items() if entry in seen or batch[2] > self.next_beat - BEAT}
        if p.leaving is not None and (not p.open or time.monotonic() - p.leaving > CONFIRM):
            self.redis.eval(RELEASE_KEY, 1, p.lease, self.id)
            del self.held[p.number]

    def acknowledge(self, p, entry):
        self.redis.pipeline().xdel(p.events, entry).xack(p.events, "stoa", entry).execute()

    def handle(self, p, entry, text):
        if time.monotonic() >= p.until or self.held.get(p.number) is not p or entry in p.open:
            return  # it stays pending, for whoever has the partition now
        try:
            event = json.loads(text)
        except ValueError:  # of a deployment with another parser, for one
            print(f"not JSON: {entry} of partition {p.number}", flush=True)
            self.redis.xadd(self.name("dead"), {"record": text, "reason": "malformed", "partition": p.number, "id": entry}, maxlen=1000)
            return self.acknowledge(p, entry)
        if event["kind"] == "answer":
            self.answered(event)
            return self.acknowledge(p, entry)
        of = {key: event[key] for key in ("nsp", "sid", "n") if key in event}
        batch = {"v": 1, "by": self.id, "id": entry, "partition": p.number, **of, "effects": self.run_event(p, event)}
        p.open[entry] = [event["node"], batch, 0.0]
        self.publish_again(p, entry)

    def enter(self, node, sid, namespace, state, message=None, args=()):
        vars(request).update(node=node, sid=sid, namespace=namespace, event={"message": message, "args": list(args)}, auth=state.get("auth"), claims=state.get("claims", {}),
                             address=state.get("address"), headers=state.get("headers"), rooms=state.get("rooms", []))
        session.clear()
        session.update(state.get("session", {}))
        effects.clear()

    def state_of(self, p, event):
        number, state = event.get("state_n", 0), event.get("state")
        if state is None and number and self.states.get(event["sid"], (0,))[0] == number:
            return self.states[event["sid"]][1]
        if state is None and number:
            text = self.redis.hget(p.clients, event["sid"])
            state = json.loads(text)["state"] if text else {}
        if number and event["kind"] != "disconnect":
            if len(self.states) > 100_000:
                self.states.clear()
            self.states[event["sid"]] = number, state
        else:
            self.states.pop(event.get("sid"), None)
        return state or {}

    def run_event(self, p, event):
        kind, namespace, state = event["kind"], event.get("nsp", "/"), self.state_of(p, event)
        args = unpack(event.get("args", []), event.get("attachments"))
        self.enter(event["node"], event.get("sid"), namespace, state, event.get("event", kind), args)
        if kind == "handshake":
            return [{"do": "admit"}]
        handlers = self.handlers.get(namespace, {}) if "sid" in event else {}
        if kind == "connect":
            return self.run_connect(handlers.get("connect"), state.get("auth"))
        handler = handlers.get(event.get("event", kind))
        if handler is None:
            return []
        try:
            result = handler(*([event["reason"]] if kind == "disconnect" else args))
            answer = () if result is None else result if isinstance(result, tuple) else (result,)
        except Exception as error:
            answer = (self.failed(namespace, error),)
        if "ack" in event:
            data, attachments = pack(answer)
            effect("ack", ack=event["ack"], data=data, attachments=attachments or None)
        return list(effects)

    def run_connect(self, handler, auth):
        try:
            if handler is None or handler(auth) is not False:
                return [{"do": "accept"}, *effects]
            refusal = "Connection rejected by server"
        except ConnectionRefusedError as error:
            refusal = str(error)
        except Exception as error:
            print(f"connect failed: {error!r}", flush=True)
            refusal = "Connection rejected by server"
        return [{"do": "refuse", "data": {"message": refusal}}, *effects]

    def failed(self, namespace, error):
        print(f"{request.event['message']} failed: {error!r}", flush=True)
        if namespace in self.error_handlers:
            self.error_handlers[namespace](error)
        return {"error": str(error)}

    # Asking clients, and what is done without an event.

    def expect(self, callback, timeout):
        self.last_call += 1
        self.calls = {number: call for number, call in self.calls.items() if call[0] > time.monotonic()}
        self.calls[self.last_call] = time.monotonic() + timeout, callback, request.sid, request.namespace
        return {"call": self.last_call, "timeout": int(timeout * 1000)}

    def answered(self, event):
        if event["to"] != self.id or event["op"] != "answer" or event["call"] not in self.calls:
            return
        _, callback, sid, namespace = self.calls[event["call"]]
        state = self.states.get(sid, (0, {}))[1]
        self.enter(event["node"], sid, namespace, state, "callback")
        self.run_later(event["node"], lambda: callback(*unpack(event["args"], event.get("attachments"))))

    def run_tasks(self):
        """How long it is until the next, at most what a read may wait."""
        leads, now = 0 in self.held and not self.stopping, time.monotonic()
        for task in self.tasks:
            if leads and now >= task[1]:
                task[1] = now + task[0]
                self.enter(None, None, "/", {}, "task")
                self.run_later(None, task[2])
        return max(0.0, min([0.2, *(task[1] - now for task in self.tasks if leads)]))

    def run_later(self, node, fn):
        try:
            fn()
        except Exception as error:
            print(f"{request.event['message']} failed: {error!r}", flush=True)
        if effects:
            of = {"nsp": request.namespace, **({"sid": request.sid} if request.sid else {"partition": 0})}
            self.publish_later(node, {"v": 1, "by": self.id, **of, "effects": list(effects)})

    # Batches and gateways.

    def publish(self, node, batch):
        return self.redis.publish(self.name("batches", node), write(batch)) > 0

    def publish_again(self, p, entry):
        node, batch, before = p.open[entry]
        if time.monotonic() - before < CONFIRM:
            return
        p.open[entry][2] = time.monotonic()
        if not self.publish(node, batch) and self.is_gone(node):
            self.acknowledge(p, entry)
            del p.open[entry]
            self.publish_later(None, {key: value for key, value in batch.items() if key not in ("id", "n")})

    def publish_later(self, node, batch):
        """Without an answer: to a client's gateway; for what concerns many, to any, the same as long as it lives."""
        if node is not None and self.publish(node, batch) or self.any_node is not None and self.publish(self.any_node, batch):
            return
        for self.any_node in self.listed("gateway"):
            if self.publish(self.any_node, batch):
                return

    def is_gone(self, node):
        if self.redis.exists(self.name("gateway", node)):
            self.absent.pop(node, None)
            return False
        return time.monotonic() - self.absent.setdefault(node, time.monotonic()) >= GONE

    def end_lost_clients(self):
        gone = {}
        for p in [p for p in self.held.values() if p.leaving is None]:
            for sid, text in self.redis.hscan_iter(p.clients):
                client, sid = json.loads(text), sid.decode()
                node = client["node"]
                if node not in gone:
                    gone[node] = self.is_gone(node)
                if gone[node]:
                    event = {"v": 1, "node": node, "kind": "disconnect", "at": int(time.time() * 1000), "nsp": client["nsp"], "sid": sid,
                             "n": LOST_N, "reason": "transport close", "state_n": client["state_n"], "state": client["state"]}
                    self.redis.eval(END_CLIENT, 3, p.clients, p.events, self.name("gateway", node), sid, write(event))
