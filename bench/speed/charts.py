"""The pictures of the speed page, in a light and a dark theme: bars beside the peers, and curves of growth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.speed.figures import Bar, Figure, Growth, short


@dataclass(frozen=True)
class Theme:
    suffix: str
    paper: str
    ink: str
    grid: str
    ours: tuple[str, ...]
    theirs: str


# Colours that remain apart for the colour-blind, and on GitHub's paper.
THEMES = (
    Theme("", "#ffffff", "#1f2328", "#d1d9e0", ("#0a66c2", "#3fa7d6"), "#9aa4af"),
    Theme("-dark", "#0d1117", "#e6edf3", "#30363d", ("#58a6ff", "#79d0ff"), "#6e7681"),
)
_WIDTH, _DPI = 9.0, 144


def draw_bars(figures: Sequence[Figure], path: Path) -> None:
    """One panel for each figure that has a peer; each has its own scale."""
    shown = [figure for figure in figures if figure.times is not None]
    for theme in THEMES:
        heights = [len(figure.bars) + 1.1 for figure in shown]
        page = _page(theme, 0.34 * sum(heights))
        panels = page.subplots(len(shown), squeeze=False, height_ratios=heights)[:, 0]
        for panel, figure in zip(panels, shown, strict=True):
            _bars(panel, figure, theme)
        _save(page, path, theme)


def draw_growth(growth: Sequence[Growth], path: Path) -> None:
    """One panel for each; the axis of what grows is logarithmic, since it is multiplied."""
    for theme in THEMES:
        page = _page(theme, 3.6)
        panels = page.subplots(1, len(growth), squeeze=False)[0]
        for panel, one in zip(panels, growth, strict=True):
            _curves(panel, one, theme)
        _save(page, path, theme)


def _bars(panel: Any, figure: Figure, theme: Theme) -> None:
    values = [bar.value for bar in figure.bars]
    rows = range(len(values), 0, -1)
    panel.barh(rows, values, color=_colours(figure.bars, theme), height=0.72)
    for row, bar in zip(rows, figure.bars, strict=True):
        panel.annotate(
            f"{short(bar.value)} {figure.unit}",
            (bar.value, row),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            color=theme.ink,
            fontsize=9,
        )
    panel.set_yticks(list(rows), [bar.name for bar in figure.bars], fontsize=9)
    better = "more is better" if figure.more else "less is better"
    panel.set_title(f"{figure.what}  ({better})", loc="left", fontsize=10, fontweight="bold", color=theme.ink)
    panel.set(xlim=(0, 1.22 * max(values)), ylim=(0.5, len(values) + 0.5), xticks=[])
    panel.tick_params(length=0, colors=theme.ink)
    panel.spines[:].set_visible(False)
    panel.set_facecolor(theme.paper)


def _curves(panel: Any, growth: Growth, theme: Theme) -> None:
    ours = iter(theme.ours)
    for curve in growth.curves:
        colour = next(ours) if curve.ours else theme.theirs
        xs, ys = zip(*curve.points, strict=True)
        panel.plot(xs, ys, color=colour, marker="o", markersize=4, label=curve.name)
        panel.annotate(
            short(ys[-1]), (xs[-1], ys[-1]), xytext=(0, 7), textcoords="offset points", ha="center",
            color=theme.ink, fontsize=8,
        )  # fmt: skip
    every = sorted({x for curve in growth.curves for x, _ in curve.points})
    panel.set(xscale="log", yscale="log" if growth.steep else "linear")
    panel.set_xticks(every, [_compact(x) for x in every])
    panel.minorticks_off()
    panel.margins(y=0.18)
    if not growth.steep:
        panel.set_ylim(bottom=0)
    panel.yaxis.set_major_formatter(lambda value, _: short(value))
    panel.set_xlabel(growth.x, color=theme.ink)
    panel.set_ylabel(growth.y, color=theme.ink)
    panel.set_title(growth.title, loc="left", fontsize=10, fontweight="bold", color=theme.ink)
    panel.grid(color=theme.grid, linewidth=0.6)
    panel.tick_params(colors=theme.ink, labelsize=9, length=0)
    panel.spines[:].set_visible(False)
    panel.set_facecolor(theme.paper)
    panel.legend(frameon=False, fontsize=8.5, labelcolor=theme.ink)


def _colours(bars: Sequence[Bar], theme: Theme) -> list[str]:
    ours = iter(theme.ours)
    return [next(ours) if bar.ours else theme.theirs for bar in bars]


def _compact(number: float) -> str:
    for size, name in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number / size:g}{name}"
    return f"{number:g}"


def _page(theme: Theme, height: float) -> Any:
    from matplotlib.figure import Figure as Page

    return Page(figsize=(_WIDTH, height), layout="constrained", facecolor=theme.paper)


def _save(page: Any, path: Path, theme: Theme) -> None:
    page.savefig(
        path.with_name(f"{path.stem}{theme.suffix}.png"), dpi=_DPI, facecolor=theme.paper,
        metadata={"Software": None},
    )  # fmt: skip
