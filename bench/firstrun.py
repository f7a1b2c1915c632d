"""A first run seen from the page: from Start to the first search that finds something, and searches while it goes on.

python -m bench firstrun; 10,000 JPEGs are made in a temporary folder (1.2 GB). A few minutes.
"""

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from urllib.request import Request, urlopen

from bench.indexing import make_photos
from bench.serving import Server, drawing, running

PHOTOS, SIZE = 10_000, (800, 600)
SECONDS = 120
LIMIT = 60


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        photos, index = Path(scratch) / "photos", Path(scratch) / "index"
        made = make_photos(photos, SIZE, PHOTOS)
        kilobytes = sum(path.stat().st_size for path in made) / len(made) / 1000
        print(
            f"{PHOTOS} JPEGs of {SIZE[0]} x {SIZE[1]}, {kilobytes:.0f} kB each, an index that does not exist yet"
        )
        command = [
            sys.executable,
            "-m",
            "service.cli",
            "serve",
            "--no-browser",
            "--index",
            str(index),
            "--port",
        ]
        environment = {"SKETCHSEEK_PLACES": scratch}
        with running(command, environment) as server:
            _follow(server, photos)


def _follow(server: Server, photos: Path) -> None:
    start = time.perf_counter()
    _post(server, "/admin/library/folders", json.dumps({"path": str(photos)}).encode(), "application/json")
    first, taken = None, []
    while (passed := time.perf_counter() - start) < SECONDS:
        began = time.perf_counter()
        answer = json.loads(_post(server, "/search", drawing(), "image/png"))
        if answer["results"] and first is None:
            first = time.perf_counter() - start
            print(f"first found after {first:.1f} s, among {answer['total_searched']}   limit: {LIMIT} s")
        if first is not None:
            taken.append(1000 * (time.perf_counter() - began))
        time.sleep(0.5)
    state = json.loads(server.get("/admin/library"))
    print(
        f"after {passed:.0f} s: {state['published']} photos can be searched; {state['state']}, {state['progress']}"
    )
    if len(taken) > 1:
        cuts = statistics.quantiles(taken, n=20)
        print(f"searches meanwhile: p50 {cuts[9]:.0f} ms, p95 {cuts[18]:.0f} ms, {len(taken)} of them")


def _post(server: Server, address: str, body: bytes, kind: str) -> bytes:
    asked = Request(f"http://127.0.0.1:{server.port}{address}", data=body, headers={"content-type": kind})
    with urlopen(asked, timeout=60) as answer:
        return bytes(answer.read())


if __name__ == "__main__":
    main()
