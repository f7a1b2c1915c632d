"""A comparison as a picture: one point for each row, with how far its seeds are apart."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from model.comparison.report import STAGES, Line
from model.comparison.vectors import AS_IS, MEANS_OFF

COLUMNS = ("mAP", "hit@5", "large hit@5")
_COLOURS = {AS_IS: "#8a8f98", MEANS_OFF: "#1f6feb", STAGES: "#c2410c"}


def draw(every: Sequence[Line], file: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(line.name for line in every))[::-1]
    columns = [name for name in COLUMNS if any(name in line.values for line in every)]
    figure = Figure(figsize=(4 * len(columns) + 2, 0.28 * len(names) + 1.5), layout="constrained")
    panels = figure.subplots(1, len(columns), sharey=True, squeeze=False)[0]
    for axis, column in zip(panels, columns, strict=True):
        for kind, colour in _COLOURS.items():
            _points(axis, [line for line in every if _kind(line) == kind], names, column, colour, kind)
        axis.set_xlabel(column)
        # Differences are to be seen at their true size.
        axis.set_xlim(left=0)
        axis.grid(alpha=0.3)
    panels[0].set_yticks(range(len(names)), names)
    handles, said = panels[0].get_legend_handles_labels()
    # Beside the panels: in one, it would hide points.
    figure.legend(handles, said, fontsize="small", loc="outside upper center", ncols=len(said))
    figure.savefig(file, dpi=120)


def _kind(line: Line) -> str:
    return STAGES if line.block == STAGES else line.vectors


def _points(
    axis: Any, chosen: Sequence[Line], names: Sequence[str], column: str, colour: str, label: str
) -> None:
    found = [line for line in chosen if column in line.values]
    if found:
        axis.errorbar(
            [line.mean(column) for line in found],
            [names.index(line.name) for line in found],
            xerr=[line.spread(column) for line in found],
            fmt="o",
            markersize=4,
            capsize=2,
            color=colour,
            label=label,
        )
