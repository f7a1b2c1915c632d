"""A measured figure beside a peer's, and the curves along which figures grow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Bar:
    """One measurement."""

    name: str
    value: float
    ours: bool = True


@dataclass(frozen=True)
class Figure:
    """What was measured, ours and the peers', in one unit and in the same run."""

    what: str
    unit: str
    bars: tuple[Bar, ...]
    # Whether more is better, as with a rate.
    more: bool = False
    goal: str = ""
    note: str = ""

    @property
    def times(self) -> float | None:
        """How many times as good the first of ours is as the first peer."""
        ours = next((bar.value for bar in self.bars if bar.ours), None)
        theirs = next((bar.value for bar in self.bars if not bar.ours), None)
        if not ours or not theirs:
            return None
        return ours / theirs if self.more else theirs / ours


@dataclass
class Curve:
    """How a figure grows: pairs of x and y."""

    name: str
    points: list[tuple[float, float]] = field(default_factory=list)
    ours: bool = True


@dataclass(frozen=True)
class Growth:
    """Curves over one axis."""

    title: str
    x: str
    y: str
    curves: tuple[Curve, ...]
    # Whether the figure itself spans several powers of ten.
    steep: bool = False


@dataclass
class Results:
    """All that a run has measured, in the order of the page."""

    figures: list[Figure] = field(default_factory=list)
    growth: list[Growth] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)

    def add(self, *figures: Figure) -> None:
        for figure in figures:
            print(said(figure), flush=True)
            self.figures.append(figure)


def said(figure: Figure) -> str:
    bars = ", ".join(f"{bar.name} {short(bar.value)}" for bar in figure.bars)
    return "; ".join(filter(None, (f"{figure.what}: {bars} {figure.unit}", *_remarks(figure))))


def short(value: float) -> str:
    """Three digits: 0.0123, 1.23, 12.3, 123, 1,230."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _remarks(figure: Figure) -> Iterator[str]:
    if figure.times is not None:
        yield f"{figure.times:.1f} x"
    if figure.goal:
        yield f"goal: {figure.goal}"
    if figure.note:
        yield figure.note
