"""Indexing: new photos beside a plain loop, and a run over a library of which little has changed."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.indexing import rates
from bench.reindex import changed
from bench.speed.figures import Bar, Figure, Results
from model import Encoder

_PHOTOS = 100_000
_LARGE, _SMALL = (4000, 3000), (300, 225)


def indexing(results: Results) -> None:
    encoder = Encoder.load("lite", engine="openvino", in_bulk=True)
    for what, size, count, goal in (("12-megapixel", _LARGE, 48, 6), ("300-pixel", _SMALL, 480, 4)):
        with tempfile.TemporaryDirectory() as scratch:
            best = rates(Path(scratch), encoder, size, count, None, goal, rounds=2)
        bars = (
            Bar("sketchseek", best["pipeline"]),
            Bar("plain loop in torch", best["plain loop"], ours=False),
        )
        note = (
            f"decoding alone {best['decode alone']:.0f}, encoding alone {best['encode alone']:.0f} a second"
        )
        results.add(
            Figure(f"indexing {what} JPEGs", "photos/s", bars, more=True, goal=f"{goal} x", note=note)
        )


def reindexing(results: Results) -> None:
    (taken,) = changed(_PHOTOS, rounds=1)
    results.add(
        Figure(
            f"a run over {_PHOTOS:,} photos, 1 % changed",
            "s of one core",
            (Bar("sketchseek", taken),),
            goal="4 s",
            note="everything but the encoder",
        )
    )
