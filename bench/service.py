"""The service over real sockets: the stages of a search with 100,000 photos, a storm of callers, swaps, attacks.

About a quarter of an hour; `PARTS="speed storm swaps hostile mixed"` chooses. For a peer: python -m bench speed search.
"""

import os
import tempfile
from pathlib import Path

from bench.hostile import hostile
from bench.mixed import mixed
from bench.serving import Load, Server, drawing, load, publish_random, serving, strokes
from bench.storm import storm, swaps
from bench.timing import measure
from indexer import shelf
from model import Encoder, decode

PHOTOS = 100_000
SECONDS = 10.0
PARTS = ("speed", "storm", "swaps", "hostile", "mixed")


def main() -> None:
    chosen = os.environ.get("PARTS", " ".join(PARTS)).split()
    png = drawing()
    for part in chosen:
        print(f"-- {part}; load {os.getloadavg()[0]:.1f}")
        with tempfile.TemporaryDirectory() as scratch:
            index = Path(scratch)
            if part == "storm":
                storm(index, png)
            elif part == "swaps":
                swaps(index, png)
            elif part == "hostile":
                hostile(index, png)
            elif part == "mixed":
                mixed(index)
            else:
                _speed(index, png)


def _speed(index: Path, png: bytes) -> None:
    encoder = Encoder.load("lite", engine="openvino")
    publish_random(index, encoder, PHOTOS)
    print(
        f"{PHOTOS} photos, {len(png) >> 10} kB PNG of 512 px, {SECONDS:.0f} s each; clients on the same cores"
    )
    alone = _alone(index, encoder, png)
    del encoder
    with serving(index) as server:
        ours = {clients: _print("PNG", server.port, png, clients) for clients in (1, 16)}
        body, kind = strokes()
        drawn = _print("strokes", server.port, body, 1, kind)
        _loop_lag(server)
    one = ours[1]
    print(f"p50 at one client {one.p50 / alone:.2f} x the encoder alone   limit: 2.6")
    print(f"the same by strokes {drawn.p50 / alone:.2f} x   limit: 2.0")
    print(f"p99 at one client {one.p99 / one.p50:.1f} x p50   limit: 4")


def _print(name: str, port: int, body: bytes, clients: int, kind: str = "image/png") -> Load:
    taken = load(port, body, clients, SECONDS, kind)
    print(f"{name}, {clients:2} clients: {taken}")
    return taken


def _alone(index: Path, encoder: Encoder, png: bytes) -> float:
    published = shelf(index).open(encoder.fingerprint)
    pixels = encoder.prepare_sketch(decode(png, keep_alpha=True).image)
    query = encoder.encode_sketches([pixels])
    decoding = measure(lambda: encoder.prepare_sketch(decode(png, keep_alpha=True).image))
    encoding = measure(lambda: encoder.encode_sketches([pixels]))
    scanning = measure(lambda: published.search(query, 20))
    print(f"decode alone {decoding}\nencode alone {encoding}\nscan alone   {scanning}")
    for size in (4, 16):
        batch = measure(lambda size=size: encoder.encode_sketches([pixels] * size))  # type: ignore[misc]
        print(f"encode {size:2} at once: {1000 * size / batch.median:.0f} a second")
    return encoding.median


def _loop_lag(server: Server) -> None:
    count = {
        line.split('le="')[1].split('"')[0]: float(line.split()[-1])
        for line in server.get("/metrics").splitlines()
        if line.startswith("sketchseek_loop_lag_seconds_bucket")
    }
    whole = count["+Inf"]
    shares = ", ".join(
        f"{1 - count[edge] / whole:.1%} > {1000 * float(edge):.0f} ms" for edge in ("0.01", "0.05")
    )
    print(f"event loop late, of {whole:.0f} looks: {shares}   (waiting for a core counts)")
