"""From the start of a command to its first answer, and from the lifting of the pen to changed results."""

from __future__ import annotations

import statistics

from bench.page import pen_up
from bench.speed.figures import Bar, Figure, Results
from bench.start import GOALS, PHOTOS, measured

_ROUNDS = 3


def starts(results: Results) -> None:
    for name, taken in measured(_ROUNDS).items():
        if name not in GOALS:
            continue
        wall, processor = (statistics.median(times) for times in zip(*taken, strict=True))
        results.add(
            Figure(
                f"{name}, {PHOTOS:,} photos",
                "s",
                (Bar("sketchseek", wall),),
                goal=GOALS[name],
                note=f"{processor:.2f} s of one core",
            )
        )


def page(results: Results) -> None:
    taken = pen_up()
    results.add(
        Figure(
            f"pen-up to changed results in the page, {PHOTOS:,} photos, median",
            "ms",
            (Bar("sketchseek", taken.framed),),
            goal="60 ms",
            note=f"painted after {taken.painted:.0f} ms; the search alone takes {taken.alone:.0f}",
        )
    )
