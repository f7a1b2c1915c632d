"""Write what was measured into docs/speed.md, between its marks, and draw its pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.speed.charts import draw_bars, draw_growth
from bench.speed.figures import Figure, Growth, Results, short

BEGIN, END = "<!-- measured: python -m bench speed -->", "<!-- /measured -->"


def write(results: Results, page: Path) -> None:
    text = page.read_text()
    before, begun, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not begun or not ended:
        raise SystemExit(f"{page} lacks the marks {BEGIN} and {END}, between which figures are written")
    page.write_text(f"{before}{BEGIN}\n\n{_body(results)}\n\n{END}{after}")
    draw_bars(results.figures, page.with_name("speed.png"))
    draw_growth(results.growth, page.with_name("speed-growth.png"))


def _body(results: Results) -> str:
    tables = [_figures(results.figures), *map(_grown, results.growth)]
    return "\n\n".join([*results.conditions, *tables])


def _figures(figures: list[Figure]) -> str:
    rows = [f"| {' | '.join(row)} |" for row in map(_row, figures)]
    return "\n".join(
        ["| what | sketchseek | beside it, in the same run | | goal |", "| --- " * 5 + "|", *rows]
    )


def _row(figure: Figure) -> Iterator[str]:
    ours = [bar for bar in figure.bars if bar.ours]
    yield figure.what + (f" ({figure.note})" if figure.note else "")
    yield " · ".join(
        f"{short(bar.value)} {figure.unit}{_kind(bar.name) if len(ours) > 1 else ''}" for bar in ours
    )
    yield " · ".join(f"{bar.name} {short(bar.value)} {figure.unit}" for bar in figure.bars if not bar.ours)
    yield "" if figure.times is None else f"**{figure.times:.1f} x**"
    yield figure.goal


def _kind(name: str) -> str:
    return f" ({name.partition(', ')[2]})"


def _grown(growth: Growth) -> str:
    xs = sorted({x for curve in growth.curves for x, _ in curve.points})
    head = f"| {growth.title}, {growth.y} | " + " | ".join(f"{x:,.0f} {growth.x}" for x in xs) + " |"
    rows = []
    for curve in growth.curves:
        at = dict(curve.points)
        rows.append(f"| {curve.name} | " + " | ".join(short(at[x]) if x in at else "" for x in xs) + " |")
    return "\n".join([head, "| --- " * (len(xs) + 1) + "|", *rows])
