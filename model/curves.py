"""A run's history as a CSV table and a picture of its curves."""

import csv
from collections.abc import Sequence
from pathlib import Path

from model.runs import RunProblem

Rows = Sequence[dict[str, float]]


def write_csv(file: Path, history: Rows) -> None:
    """One row a report; a figure that was not measured then stays empty."""
    part = file.with_name(file.name + ".part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with part.open("w", newline="", encoding="utf-8") as opened:
            table = csv.DictWriter(opened, columns(history), restval="")
            table.writeheader()
            table.writerows(history)
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise RunProblem(
            f"{file}: cannot be written ({error.strerror}); the last good state is kept: "
            "make room and run the same command"
        ) from error


def columns(history: Rows) -> list[str]:
    return list(dict.fromkeys(name for row in history for name in row))


def write_picture(file: Path, history: Rows) -> None:
    """Losses above, mAP on unseen classes below, over steps."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 7), layout="constrained")
    losses, judged = figure.subplots(2, 1, sharex=True)
    for name in columns(history):
        points = [(row["step"], row[name]) for row in history if name in row]
        if name in ("step", "rate"):
            continue
        axis = judged if name == "unseen_map" else losses
        axis.plot(*zip(*points, strict=True), label=name, marker="o" if axis is judged else None)
    losses.set_ylabel("loss")
    judged.set_ylabel("mAP, unseen classes")
    judged.set_xlabel("step")
    for axis in (losses, judged):
        axis.grid(alpha=0.3)
        if axis.lines:
            axis.legend(fontsize="small")
    figure.savefig(file, dpi=110)
