"""Python's own pickle and json against ours: python3 wire_python.py TEST-WIRE-ECHO [SEED]

Plain values, pickled by either pickler in every protocol from 2 on, are read as what they are; pickles of anything else
and damaged ones are refused or read as plain values; and our JSON is json.dumps()'s byte for byte.
"""
import io
import json
import logging
import math
import pickle
import pickletools
import random
import struct
import subprocess
import sys

program, seed = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 20240229
rng = random.Random(seed)
passed = failed = skipped = 0


def check(what, holds):
    global passed, failed
    if holds:
        passed += 1
        return
    failed += 1
    if failed <= 20:
        print(str(what)[:600], file=sys.stderr)


def ask(questions):
    text = ''.join(f'{kind} {data.hex() or "-"}\n' for kind, data in questions)
    run = subprocess.run([program], input=text.encode(), capture_output=True)
    if run.returncode:
        sys.exit(run.stderr.decode()[:4000])
    lines = run.stdout.split(b'\n')
    assert len(lines) == len(questions) + 1
    return [json.loads(line) for line in lines[:-1]]


# --- Values -------------------------------------------------------------------------------------------------------

pieces = ['a', 'Z', ' ', '0', '"', '\\', '/', '\b', '\t', '\n', '\f', '\r', '\0', '\x1f', '\x7f', 'é', 'ß', 'Ж', '中', '\u2028',
          '\ufeff', '\uffff', '😀', '\U00010000', '\U0010ffff', '\x80', 'hello']
shared = ['shared', b'shared', ['in', 'common'], {'k': 1}]


def any_text(surrogates):
    text = ''.join(rng.choice(pieces) for _ in range(rng.randrange(8)))
    if surrogates and rng.random() < 0.05:
        text += rng.choice(['\ud800', '\udfff', '\ude00\ud83d'])
    return text * (200 if rng.random() < 0.03 else 1)


def any_int():
    return rng.choice([rng.randrange(-300, 300), rng.choice([-1, 1]) * 2 ** rng.randrange(70) + rng.randrange(-1, 2),
                       rng.randrange(-2 ** 900, 2 ** 900) >> rng.randrange(900)])


def any_float():
    return rng.choice([rng.random(), rng.uniform(-1e6, 1e6), 10.0 ** rng.randrange(-320, 309), float(rng.randrange(10 ** 17)),
                       struct.unpack('<d', rng.randbytes(8))[0], 0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, 1e16, 1e-4, 1e-5,
                       123456789012345680.0, 1e22, 9007199254740993.0])


def any_value(depth, binary, surrogates=True):
    kind = rng.randrange(7 if depth > 4 else 12)
    if kind == 0:
        return rng.choice([None, True, False])
    if kind == 1:
        return any_int()
    if kind == 2:
        return any_float()
    if kind == 3 and binary:
        return rng.randbytes(rng.choice([0, 1, 5, 300]))
    if kind == 4 and binary:
        return rng.choice(shared)
    if kind < 7:
        return any_text(surrogates)
    items = [any_value(depth + 1, binary, surrogates) for _ in range(rng.choice([0, 1, 2, 3, 4, 9]))]
    if kind < 9:
        return items
    if kind == 9 and binary:
        return tuple(items)
    key = lambda: rng.choice([any_text(surrogates), any_text(surrogates), rng.randrange(-5, 500), None, True, 1.5, 1e16]) if binary \
        else any_text(surrogates)
    return {key(): item for item in items}


def key_of(k):
    return k if isinstance(k, str) else json.loads(json.dumps({k: 0}).split(':')[0][1:])


def meant(v):
    """As the program prints it: no tuples, text as keys, no NaN; numbers as doubles beyond 64 bits."""
    if isinstance(v, bool) or v is None or isinstance(v, str):
        return v
    if isinstance(v, int):
        if -2 ** 63 <= v < 2 ** 64:
            return v
        return as_double(v)
    if isinstance(v, float):
        return v if math.isfinite(v) else None
    if isinstance(v, (bytes, bytearray)):
        return {'$bin': v.hex()}
    if isinstance(v, dict):
        return {key_of(k): meant(x) for k, x in v.items()}
    return [meant(x) for x in v]


def as_double(i):
    try:
        return float(i)
    except OverflowError:
        return None


def with_blobs(v, blobs):
    if isinstance(v, list):
        return [with_blobs(x, blobs) for x in v]
    if not isinstance(v, dict):
        return v
    if v.get('_placeholder') is True:
        return {'$bin': blobs[v['num']]}
    return {k: with_blobs(x, blobs) for k, x in v.items()}


def alike(a, b):
    """Equal, but for the kinds of numbers that JSON does not tell apart, and -0."""
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(alike, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(alike(a[k], b[k]) for k in a)
    if isinstance(a, (bool, str)) or a is None or isinstance(b, (bool, str)) or b is None:
        return type(a) is type(b) and a == b
    return not isinstance(a, (list, dict)) and not isinstance(b, (list, dict)) and float(a) == float(b) and \
        (isinstance(a, float) or isinstance(b, float) or a == b)


# --- Pickles ------------------------------------------------------------------------------------------------------

def pickles(v):
    for protocol in range(2, 6):
        yield pickle.dumps(v, protocol)
    out = io.BytesIO()
    pickle._Pickler(out, rng.randrange(3, 6)).dump(v)
    yield out.getvalue()
    yield pickletools.optimize(pickle.dumps(v, 4))


def holds_bytes(v):
    if isinstance(v, (list, tuple)):
        return any(map(holds_bytes, v))
    return any(map(holds_bytes, v.values())) if isinstance(v, dict) else isinstance(v, bytes)


def plain_pickles():
    asked, values = [], []
    for _ in range(1500):
        v = any_value(0, True)
        for data in pickles(v):
            if data[1] == 2 and holds_bytes(v):  # _codecs.encode(): a call
                asked.append(('pickle', data))
                values.append(ValueError)
                continue
            asked.append(('pickle', data))
            values.append(v)
    for v, (_, data), answer in zip(values, asked, ask(asked)):
        if v is ValueError:
            check(('accepted', data), 'error' in answer)
        else:
            check((v, data, answer), 'is' in answer and alike(with_blobs(answer['is'], answer['blobs']), meant(v)))
            check(('written', v, answer), same(pickle.loads(bytes.fromhex(answer.get('again') or '')), v))


def same(ours, v):
    """What Python reads of ours: tuples are tuples, numbers exact but for those beyond 64 bits, keys are text."""
    if isinstance(v, dict):
        return isinstance(ours, dict) and ours.keys() == {key_of(k) for k in v} and \
            all(same(ours[k], x) for k, x in {key_of(k): x for k, x in v.items()}.items())
    if isinstance(v, (list, tuple)):
        return type(ours) is type(v) and len(ours) == len(v) and all(map(same, ours, v))
    if isinstance(v, int) and not isinstance(v, bool) and not -2 ** 63 <= v < 2 ** 64:
        return isinstance(ours, float)
    if isinstance(v, float):
        return struct.pack('<d', ours) == struct.pack('<d', v) or math.isnan(v) and math.isnan(ours)
    return type(ours) is type(v) and ours == v


class Anything:
    def __init__(self):
        self.x = 1

    def __reduce__(self):
        return eval, ('1 + 1',)


class State:
    pass


def dangerous_pickles():
    import datetime
    import decimal
    import collections
    import os
    cycle, bomb, deep = [], ['x'] * 10, []
    cycle.append(cycle)
    for _ in range(30):
        bomb = [bomb] * 10
    for _ in range(250):
        deep = [deep]
    values = [Anything(), State(), datetime.datetime(2024, 2, 29), decimal.Decimal(1), {1, 2}, frozenset([1]), collections.OrderedDict(a=1),
              bytearray(b'x'), 1j, print, os.system, int, Ellipsis, range(3), cycle, bomb, deep, {(1, 2): 3}, {b'k': 1}, {'t': (cycle,)},
              1 << 2000]
    asked = []
    for v in values:
        for protocol in range(2, 6):
            if not (isinstance(v, bytearray) and protocol == 5):
                asked.append(('pickle', pickle.dumps(v, protocol)))
    by_hand = [b'cos\nsystem\n(S"id"\ntR.', b'\x80\x04cos\nsystem\n.', b'\x80\x04(i__main__\nx\n.', b'\x80\x04\x8c\x02os\x8c\x06system\x93.',
               b'\x80\x04N0N.', b'\x80\x04N2\x86.', b'\x80\x04(N1N.', b'\x80\x04NN.', b'\x80\x04(.', b'\x80\x04.', b'\x80\x04(N.', b'\x80\x04N',
               b'\x80\x04N.N', b'\x80\x04]K\x01(a.', b'\x80\x04](K\x01a.', b'\x80\x04]}(e.', b'\x80\x04}(K\x01u.', b'\x80\x04}K\x01K\x02a.',
               b'\x80\x04]K\x01K\x02s.', b'\x80\x04Nq\x01.', b'\x80\x04Nq\x00h\x01.', b'\x80\x04h\x00.', b'\x80\x04Nr\xff\xff\xff\xff.',
               b'\x80\x04\x94.', b'\x80\x04(\x94N.', b'\x80\x04X\xff\xff\xff\xffa.', b'\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff.',
               b'\x80\x04\x8c\x01\xff.', b'\x80\x04\x8c\x02\xc0\x80.', b'\x80\x04\x8c\x03\xed\xa0.', b'\x80\x06N.', b'\x80\x01N.', b'\x80\x00N.',
               b'N.', b'\x80', b'', b'\x80\x04\x95\x02\x00\x00\x00\x00\x00\x00\x00\x95\x00\x00\x00\x00\x00\x00\x00\x00N.',
               b'\x80\x04\x95\xff\x00\x00\x00\x00\x00\x00\x00N.', b'\x80\x04P1\n.', b'\x80\x04NQ.', b'\x80\x04I1\n.', b'\x80\x04L1L\n.',
               b'\x80\x04\x8a\xffa.', b'\x80\x04\x8b\xff\xff\xff\x7fa.', b'\x80\x04G\x00.', b'\x80\x04\xff.', b'\x80\x04\x00.', b'\x80\x04\x80\x04N.',
               b'\x80\x04)K\x01a.', b'\x80\x04)(K\x01e.', b'\x80\x04\x8c\x03\xed\xa0A.', b'\x80\x04\x8c\x03\xed\xc0\x80.',
               b'\x80\x04)' + b'\x85' * 300 + b'.', b'\x80\x04' + b'(' * 300000 + b't' * 300000 + b'.']
    asked += [('pickle', data) for data in by_hand]
    for (_, data), answer in zip(asked, ask(asked)):
        check(('accepted', data), 'error' in answer)


def damaged_pickles():
    """What we take Python takes too, and as the same; Python may take more."""
    asked = []
    for _ in range(1500):
        data = bytearray(rng.choice(list(pickles(any_value(2, True)))))
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(2, len(data))
            data[at:at + rng.randrange(2)] = rng.choice([b'', b'N', b'.', b'(', b'e', b'u', b'h\x00', b'\x94', b'K', b']', b'}', b'a', b's',
                                                         b't', b'\x85', rng.randbytes(1)])
        asked.append(('pickle', bytes(data)))
    taken = 0
    for (_, data), answer in zip(asked, ask(asked)):
        if 'error' in answer:
            continue
        taken += 1
        try:
            v = Plain(io.BytesIO(data)).load()
        except Exception as error:
            check(('Python refuses', error, data), False)
            continue
        check((v, data, answer), alike(with_blobs(answer['is'], answer['blobs']), meant(v)))
    check('none of the damaged was taken', taken > 0)


class Plain(pickle.Unpickler):
    def find_class(self, *name):
        raise ValueError(name)


# --- JSON ---------------------------------------------------------------------------------------------------------

def messages():
    """A message as the newest python-socketio sends it, read and sent by us, is the same text."""
    asked = []
    for _ in range(2000):
        message = {'method': 'emit', 'event': any_text(True) or 'e', 'data': [any_value(1, False) for _ in range(rng.randrange(3))],
                   'binary': False, 'namespace': '/', 'room': rng.choice([None, 'r', ['a', 'b']]), 'skip_sid': rng.choice([None, 's']),
                   'callback': None, 'host_id': 'h' * 32}
        asked.append(('python-list', json.dumps(message).encode()))
    for (_, data), answer in zip(asked, ask(asked)):
        theirs = json.loads(data)
        text = json.dumps(comparable(theirs))
        ours = bytes.fromhex(answer.get('again') or '').decode()
        check((data, answer.get('error'), ours), ours == text)


def comparable(v):
    """NaN is null with us, and an integer beyond 64 bits a double."""
    if isinstance(v, float):
        return v if math.isfinite(v) else None
    if isinstance(v, int) and not -2 ** 63 <= v < 2 ** 64:
        return as_double(v)
    if isinstance(v, dict):
        return {k: comparable(x) for k, x in v.items()}
    return [comparable(x) for x in v] if isinstance(v, list) else v


def binary():
    """Our binary is what Python puts together again, as its receiver does."""
    import base64

    def restore(v, blobs):
        if isinstance(v, list):
            return [restore(x, blobs) for x in v]
        if not isinstance(v, dict):
            return v
        return blobs[v['num']] if v.get('_placeholder') and 'num' in v else {k: restore(x, blobs) for k, x in v.items()}

    asked, values = [], []
    for _ in range(500):
        args = [any_value(1, True) for _ in range(rng.randrange(1, 4))]
        message = {'method': 'emit', 'event': 'e', 'data': tuple(args), 'namespace': '/', 'room': None, 'skip_sid': None, 'callback': None,
                   'host_id': 'h'}
        asked.append(('python-list', pickle.dumps(message, 4)))
        values.append(args)
    pickled = ask([('python-pickle', data) for _, data in asked])
    for args, answer in zip(values, pickled):
        data = pickle.loads(bytes.fromhex(answer.get('again') or ''))['data']
        check((args, data), same(data if isinstance(data, tuple) else () if data is None else (data,), tuple(args)))
    for args, answer in zip(values, ask(asked)):
        message = json.loads(bytes.fromhex(answer.get('again') or '00'))
        data = message['data']
        if message['binary']:
            data = restore(data[0], [base64.b64decode(text) for text in data[1:]])
        check((args, message), alike(meant(data), meant(args)))


def receiver():
    """Debian's python-socketio, which reads pickles and JSON, takes our messages for what they are."""
    global skipped
    try:
        import socketio
    except ImportError:
        print('skipped: there is no python3-socketio', file=sys.stderr)
        skipped += 1
        return

    class Server:
        def __init__(self):
            self.emitted = []
            self.eio = self
            self.ids = 0
            self.logger = logging.getLogger('socketio')

        def generate_id(self):
            self.ids += 1
            return f'sid{self.ids}'

        def _emit_internal(self, eio_sid, event, data, namespace=None, id=None):
            self.emitted.append((eio_sid, event, data, namespace))

    class Manager(socketio.PubSubManager):
        def _listen(self):
            yield from self.messages

    def received(payload):
        manager = Manager()
        manager.set_server(Server())
        sid = manager.connect('eio1', '/')
        manager.connect('eio2', '/')
        manager.enter_room(sid, '/', 'r')
        manager.messages = [payload]
        manager._thread()
        return manager.server.emitted

    asked, values = [], []
    for _ in range(300):
        args = [any_value(1, True, False) for _ in range(rng.randrange(4))]
        message = {'method': 'emit', 'event': 'e', 'data': tuple(args), 'namespace': '/', 'room': rng.choice([None, 'r', 'nobody']),
                   'skip_sid': None, 'callback': None, 'host_id': 'h'}
        asked.append(pickle.dumps(message, 4))
        values.append((args, {None: 2, 'r': 1, 'nobody': 0}[message['room']]))
    ours = [ask([(kind, data) for data in asked]) for kind in ('python', 'python-pickle')]
    for (args, clients), text, pickled in zip(values, *ours):
        emitted = received(bytes.fromhex(pickled['again']))
        check(('clients', args), len(emitted) == clients)
        for _, event, data, namespace in emitted:
            got = data if isinstance(data, tuple) else () if data is None else (data,)
            check((args, data), event == 'e' and namespace == '/' and same(got, tuple(args)))
        if holds_bytes(args):  # for which it has no JSON
            continue
        emitted = received(bytes.fromhex(text['again']))
        check(('clients', args), len(emitted) == clients)
        for _, event, data, namespace in emitted:
            alone = len(args) == 1 and args[0] is not None and not isinstance(args[0], (list, tuple))
            check((args, data), alike(meant(data), meant(args[0] if alone else args or None)))


plain_pickles()
dangerous_pickles()
damaged_pickles()
messages()
binary()
receiver()
print(f'cases: {passed} passed, {failed} failed, {skipped} skipped')
sys.exit(failed > 0)
