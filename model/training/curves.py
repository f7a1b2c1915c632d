"""Write a run's history as a CSV table and a picture of its curves."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from model.training.files import write
from model.training.state import ALONE, AMONG, HOURS, RunProblem

Rows = Sequence[dict[str, float]]


def write_csv(file: Path, history: Rows) -> None:
    """Write one row per report; figures not measured then stay empty."""
    text = io.StringIO()
    table = csv.DictWriter(text, columns(history), restval="", lineterminator="\n")
    table.writeheader()
    table.writerows(history)
    try:
        write(file, text.getvalue())
    except OSError as error:
        raise RunProblem(
            f"{file}: cannot be written ({error.strerror}); the last good state is kept: "
            "make room and run the same command"
        ) from error


def columns(history: Rows) -> list[str]:
    return list(dict.fromkeys(name for row in history for name in row))


def write_picture(file: Path, history: Rows) -> None:
    """Plot losses over steps and hours and, if there was validation, the mAP on unseen classes below."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    validated = any(ALONE in row for row in history)
    figure = Figure(figsize=(9, 7 if validated else 4.5), layout="constrained")
    panels = figure.subplots(1 + validated, 1, sharex=True, squeeze=False)[:, 0]
    # Enough colours for every loss to have its own.
    panels[0].set_prop_cycle(color=matplotlib.colormaps["tab20"](range(20)))
    for name in columns(history):
        points = [(row["step"], row[name]) for row in history if name in row]
        if name in ("step", "rate", HOURS):
            continue
        figures = name in (ALONE, AMONG)
        panels[1 if figures else 0].plot(
            *zip(*points, strict=True), label=name, marker="o" if figures else None
        )
    panels[0].set_ylabel("loss")
    if validated:
        panels[1].set_ylabel("mAP, unseen classes")
    panels[-1].set_xlabel("step")
    _add_hours(panels[0], history)
    for axis in panels:
        axis.grid(alpha=0.3)
        if axis.lines:
            # Beside the curves, not on top of them.
            axis.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
    figure.savefig(file, dpi=110)


def _add_hours(panel: Any, history: Rows) -> None:
    """A second axis above, if it is known when each step was."""
    known = [(row["step"], row[HOURS]) for row in history if HOURS in row]
    if len(known) < 2 or known[-1][1] <= known[0][1]:
        return
    points = np.array([(0.0, 0.0), *known] if len(known) == len(history) else known)
    # Beyond both ends at the same pace: of a value that stays as it is, matplotlib would put all marks in one place.
    whole = points[-1] - points[0]
    steps, hours = np.vstack([points[0] - whole, points, points[-1] + whole]).T
    above = panel.secondary_xaxis(
        "top", functions=(lambda at: np.interp(at, steps, hours), lambda at: np.interp(at, hours, steps))
    )
    above.set_xlabel("hours")
