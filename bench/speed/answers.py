"""Searches over HTTP: the service and its peer, alone and with more and more clients, all on the same cores."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from bench.serving import Load, Server, drawing, load, publish_random, running, serving, strokes
from bench.speed.figures import Bar, Curve, Figure, Growth, Results
from bench.timing import measure
from model import Encoder, decode

PHOTOS = 100_000
CLIENTS = (1, 4, 16, 64)
_SECONDS = 6.0
# An afternoon's work: FastAPI, open_clip's ViT-B/32 in torch with random weights, NumPy's dot product over as many
# photos, the model called in FastAPI's threads.
PEER = """
import io, sys, numpy as np, open_clip, torch, uvicorn
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from PIL import Image
model, _, prepare = open_clip.create_model_and_transforms("ViT-B-32", pretrained=None)
model.eval()
photos = np.random.default_rng(0).standard_normal((%d, 512), dtype=np.float32)
app = FastAPI()
def find(data):
    pixels = prepare(Image.open(io.BytesIO(data)).convert("RGB"))[None]
    with torch.inference_mode():
        query = model.encode_image(pixels)[0].numpy()
    scores = photos @ query
    best = np.argpartition(-scores, 20)[:20]
    return [{"id": int(row), "score": float(scores[row])} for row in best[np.argsort(-scores[best])]]
@app.get("/livez")
async def livez(): return {"alive": True}
@app.post("/search")
async def search(request: Request):
    return {"results": await run_in_threadpool(find, await request.body())}
uvicorn.run(app, port=int(sys.argv[1]), log_level="error")
"""


def answers(results: Results, encoder: Encoder) -> None:
    png, (body, kind) = drawing(), strokes()
    pixels = encoder.prepare_sketch(decode(png, keep_alpha=True).image)
    with tempfile.TemporaryDirectory() as scratch:
        publish_random(Path(scratch), encoder, PHOTOS)
        alone = measure(lambda: encoder.encode_sketches([pixels])).median
        with serving(Path(scratch)) as server:
            ours = {clients: _asked("sketchseek", server, png, clients) for clients in CLIENTS}
            lines = {clients: _asked("strokes", server, body, clients, kind) for clients in CLIENTS}
    with running([sys.executable, "-c", PEER % PHOTOS]) as server:
        peer = {clients: _asked("peer", server, png, clients) for clients in CLIENTS}
    _tell(results, alone, ours, lines, peer)


def _tell(
    results: Results, alone: float, ours: dict[int, Load], lines: dict[int, Load], peer: dict[int, Load]
) -> None:
    times = f"{ours[1].p50 / alone:.2f} x and {lines[1].p50 / alone:.2f} x the encoder alone ({alone:.1f} ms)"
    results.add(
        Figure(
            f"/search, one client, {PHOTOS:,} photos, median",
            "ms",
            (
                Bar("sketchseek, PNG", ours[1].p50),
                Bar("sketchseek, strokes", lines[1].p50),
                Bar("ViT-B/32 service", peer[1].p50, ours=False),
            ),
            goal="2.6 x and 2.0 x the encoder alone",
            note=times,
        )
    )
    for clients, goal in ((1, 10), (16, 14)):
        bars = (
            Bar("sketchseek, PNG", ours[clients].rate),
            Bar("sketchseek, strokes", lines[clients].rate),
            Bar("ViT-B/32 service", peer[clients].rate, ours=False),
        )
        named = "1 client" if clients == 1 else f"{clients} clients"
        results.add(Figure(f"searches, {named}", "a second", bars, more=True, goal=f"{goal} x"))
    curves = (
        Curve("sketchseek, PNG", [(clients, taken.rate) for clients, taken in ours.items()]),
        Curve("sketchseek, strokes", [(clients, taken.rate) for clients, taken in lines.items()]),
        Curve("ViT-B/32 service", [(clients, taken.rate) for clients, taken in peer.items()], ours=False),
    )
    results.growth.append(Growth(f"Searches among {PHOTOS:,} photos", "clients", "a second", curves))


def _asked(name: str, server: Server, body: bytes, clients: int, kind: str = "image/png") -> Load:
    taken = load(server.port, body, clients, _SECONDS, kind)
    print(f"  {name}, {clients:2} clients: {taken}; load {os.getloadavg()[0]:.1f}", flush=True)
    return taken
