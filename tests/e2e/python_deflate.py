"""WebSocket by aiohttp with permessage-deflate: python_deflate.py URL BITS, as aiohttp's `compress` (0: none)."""

import asyncio
import json
import sys

import aiohttp


async def main(url, bits):
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(f"{url}/socket.io/?EIO=4&transport=websocket", compress=bits) as ws:
            assert (await ws.receive_str()).startswith("0{")
            assert bool(ws.compress) == bool(bits), ws.compress
            await ws.send_str("40")
            assert (await ws.receive_str()).startswith('40{"sid":')
            assert (await ws.receive_str()).startswith('42["auth"')
            for size in (10, 400, 5000, 100000):
                for what in ("x" * size, "é€🏛" * (size // 3), list(range(size))):
                    await ws.send_str("42" + json.dumps(["message", what]))
                    name, got = json.loads((await ws.receive_str())[2:])
                    assert (name, got) == ("message-back", what), name
    print("ok")


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
