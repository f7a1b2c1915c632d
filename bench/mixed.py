"""Minutes of everything at once: drawings, words, photos, filters, damaged uploads, hang-ups, odd methods, swaps.

It checks that memory does not grow. It takes ten minutes; MIXED_SECONDS=3600 makes it an hour.
"""

import collections
import http.client
import io
import os
import random
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

from PIL import Image, ImageDraw

from bench.serving import Server, publish_copy, publish_random, serving
from model import Encoder

PHOTOS, CLIENTS = 10_000, 8
SECONDS = float(os.environ.get("MIXED_SECONDS", "600"))
# Pools, caches and buffers fill once; growth after that is a leak.
_WARM_SECONDS, _LOOK_SECONDS, _SWAP_SECONDS = 45.0, 60.0, 8.0
LIMIT = 1.2
_WORDS = (
    "red",
    "old",
    "small",
    "sailing",
    "boat",
    "on",
    "a",
    "lake",
    "under",
    "snowy",
    "mountains",
    "with",
    "dogs",
)
_ALLOWED = {"200", "304", "400", "404", "405", "410", "413", "415", "422", "431", "503", "hung up", "cut"}


def mixed(index: Path) -> None:
    publish_random(index, Encoder.load("lite", engine="openvino"), PHOTOS)
    publish_copy(index)
    with serving(index) as server:
        seen = collections.Counter[str]()
        _load(server, index, _WARM_SECONDS, 0, seen)
        rest = _resident(server)
        print(f"rest, after {_WARM_SECONDS:.0f} s of the same: {rest:.0f} MiB")
        end, round_, worst = time.monotonic() + SECONDS, 1, rest
        while (left := end - time.monotonic()) > 1:
            _load(server, index, min(_LOOK_SECONDS, left), round_, seen)
            held = _resident(server)
            worst, round_ = max(worst, held), round_ + 1
            minutes = (SECONDS - max(0.0, end - time.monotonic())) / 60
            print(f"{minutes:5.1f} min: {server.resources}, load {os.getloadavg()[0]:.1f}", flush=True)
        print(f"answers {dict(sorted(seen.items()))}; odd ones: {sorted(set(seen) - _ALLOWED) or 'none'}")
        print(f"most {worst:.0f} MiB = {worst / rest:.2f} x rest   limit: {LIMIT}")


def _load(server: Server, index: Path, seconds: float, seed: int, seen: collections.Counter[str]) -> None:
    end = time.monotonic() + seconds
    with ThreadPoolExecutor(CLIENTS + 1) as pool:
        swapper = pool.submit(_swap, server, index, end)
        for part in pool.map(lambda n: _restless(server, end, 1000 * seed + n), range(CLIENTS)):
            seen.update(part)
        swapper.result()


def _swap(server: Server, index: Path, end: float) -> None:
    number = 0
    while time.monotonic() < end:
        (index / "CURRENT.new").write_text(f"{number % 2 + 1:06d}\n")
        (index / "CURRENT.new").replace(index / "CURRENT")
        server.get("/admin/reload", "POST")
        number += 1
        time.sleep(min(_SWAP_SECONDS, max(0.0, end - time.monotonic())))


def _restless(server: Server, end: float, seed: int) -> collections.Counter[str]:
    chance, seen = random.Random(seed), collections.Counter[str]()
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    while time.monotonic() < end:
        method, address, body, kind = _request(chance)
        try:
            if chance.random() < 0.05:
                _hang_up(server, method, address, body, chance)
                seen["hung up"] += 1
                continue
            client.request(method, address, body, {"content-type": kind} if body else {})
            answer = client.getresponse()
            answer.read()
            seen[str(answer.status)] += 1
        except (OSError, http.client.HTTPException):
            seen["cut"] += 1
            client.close()
    client.close()
    return seen


def _request(chance: random.Random) -> tuple[str, str, bytes, str]:
    what = chance.random()
    if what < 0.4:
        return "POST", "/search", _drawing(chance, 2 ** chance.randrange(6, 12)), "image/png"
    if what < 0.6:
        return "GET", f"/search?text={quote(_text(chance))}&k={chance.randrange(1, 60)}", b"", ""
    if what < 0.65:
        return "POST", f"/search?text={quote(_text(chance))}", _photo(chance), "image/jpeg"
    if what < 0.7:
        where = chance.choice(("folder=", "camera=", "after=20")) + f"{chance.randrange(10, 99)}"
        return "GET", f"/search?text=boat&{where}", b"", ""
    if what < 0.8:
        data = bytearray(chance.choice((_drawing, _photo))(chance))
        for _ in range(chance.randrange(1, 30)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        return "POST", "/search", bytes(data), "application/octet-stream"
    if what < 0.85:
        return "POST", "/search", chance.randbytes(chance.randrange(1, 2**20)), "image/png"
    if what < 0.9:
        number = chance.getrandbits(63)
        return (
            "GET",
            chance.choice((f"/photos/{number:x}", f"/photos/{number:x}/thumbnail?size=large")),
            b"",
            "",
        )
    if what < 0.95:
        return "M" * chance.randrange(1, 4000), f"/{_number_or_name(chance)}", b"", ""
    return "GET", chance.choice(("/metrics", "/index", "/info", "/readyz", "/openapi.json")), b"", ""


def _number_or_name(chance: random.Random) -> str:
    return chance.choice((str(chance.getrandbits(60)), "search", "livez"))


def _text(chance: random.Random) -> str:
    return " ".join(chance.choices(_WORDS, k=chance.randrange(1, 64)))


def _drawing(chance: random.Random, size: int = 512) -> bytes:
    image = Image.new("RGB", (size, size), "white")
    box = sorted(chance.sample(range(size), 2)), sorted(chance.sample(range(size), 2))
    ImageDraw.Draw(image).ellipse((box[0][0], box[1][0], box[0][1], box[1][1]), outline="black", width=5)
    return _encoded(image, "PNG")


def _photo(chance: random.Random) -> bytes:
    colours = Image.frombytes("RGB", (8, 6), chance.randbytes(144))
    return _encoded(colours.resize((chance.choice((640, 2000, 4000)), 1500)), "JPEG")


def _encoded(image: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def _hang_up(server: Server, method: str, address: str, body: bytes, chance: random.Random) -> None:
    head = f"{method} {address} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    whole = head.encode() + body
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as caller:
        caller.sendall(whole[: chance.randrange(1, len(whole) + 1)])


def _resident(server: Server) -> float:
    """Resident memory shortly after the last answer."""
    time.sleep(2)
    lines = server.get("/metrics").splitlines()
    found = next(line for line in lines if line.startswith("process_resident_memory_bytes"))
    return float(found.split()[1]) / 2**20
