"""From the start of a command to its first answer, and from the lifting of the pen to changed results."""

from __future__ import annotations

import statistics

from bench.page import pen_up
from bench.speed.figures import Bar, Figure, Results
from bench.start import PHOTOS, measured
from model import Encoder

_ROUNDS = 3


def starts(results: Results) -> None:
    for name, taken in measured(_ROUNDS).items():
        wall, processor = (statistics.median(times) for times in zip(*taken, strict=True))
        results.add(
            Figure(
                f"{name}, {PHOTOS:,} photos",
                "s",
                (Bar("sketchseek", wall),),
                goal="0.6 s",
                note=f"{processor:.2f} s of one core",
            )
        )


def page(results: Results, encoder: Encoder) -> None:
    taken, alone = pen_up(encoder)
    results.add(
        Figure(
            f"pen-up to changed results in the page, {PHOTOS:,} photos, median",
            "ms",
            (Bar("sketchseek", statistics.median(taken)),),
            goal="60 ms",
            note=f"the search alone {alone:.0f} ms",
        )
    )
