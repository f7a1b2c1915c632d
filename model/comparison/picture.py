"""A comparison as a picture: one point for each row, with how far its seeds are apart."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from model.comparison.report import STAGES, Line
from model.comparison.vectors import AS_IS, MEANS_OFF

# Columns of the table, and how axes call them.
COLUMNS = {
    "mAP": "mAP, small gallery",
    "hit@5": "hit@5, small gallery",
    "large hit@5": "hit@5, large gallery",
}
_COLOURS = {AS_IS: "#8a8f98", MEANS_OFF: "#1f6feb", STAGES: "#c2410c"}
# Figures are shares, so axes end near 0 and 1.
_EDGE = 0.02


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
        axis.set_xlabel(COLUMNS[column])
        axis.grid(alpha=0.3)
        # From nothing, so that differences are seen at their true size.
        axis.set_xlim(-_EDGE, min(axis.get_xlim()[1], 1 + _EDGE))
    panels[0].set_yticks(range(len(names)), names)
    # Of all panels: second stages need not be in each.
    shown = {
        label: one for axis in panels for one, label in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        list(shown.values()), list(shown), fontsize="small", loc="outside upper center", ncols=len(shown)
    )
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
