"""A comparison as a table and as JSON: means over seeds, with how far seeds are apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from model.comparison import figures
from model.comparison.meanings import COSTS, meaning
from model.comparison.rows import BEFORE, METHOD, OURS, RAW, TRANSDUCTIVE, Row
from model.comparison.vectors import AS_IS, MEANS_OFF
from model.training.files import write

Cell = Mapping[str, Any]
STAGES = "second stages"
_QUALITY = (*figures.SMALL, *figures.LARGE, *figures.OWN, *figures.PAIRS, *figures.TEXT, *figures.TEXT_LARGE)


@dataclass(frozen=True)
class Line:
    """A row of the table: each column's value for each seed."""

    block: str
    name: str
    vectors: str
    values: Mapping[str, tuple[float, ...]]

    def mean(self, column: str) -> float | None:
        return mean(self.values[column]) if column in self.values else None

    def spread(self, column: str) -> float:
        found = self.values.get(column, ())
        return stdev(found) if len(found) > 1 else 0.0


def lines(done: Sequence[tuple[Row, Sequence[Cell]]]) -> list[Line]:
    found = []
    for row, cells in done:
        for vectors in (AS_IS, MEANS_OFF):
            found.append(Line(row.block, row.name, vectors, _values([c["vectors"][vectors] for c in cells])))
        for stage in cells[0]["stages"]:
            ranked = [cell["stages"][stage] for cell in cells]
            found.append(Line(STAGES, f"{row.name}, {stage}", ranked[0]["of"], _values(ranked)))
    return found


def _values(cells: Sequence[Cell]) -> dict[str, tuple[float, ...]]:
    # Cells that were measured where there was no WordNet lack its columns.
    shared = [name for name in cells[0]["means"] if all(name in cell["means"] for cell in cells)]
    return {name: tuple(cell["means"][name] for cell in cells) for name in shared}


def markdown(done: Sequence[tuple[Row, Sequence[Cell]]], said: Sequence[str]) -> str:
    """The tables: quality by block, what each method needs and costs, and what the columns say."""
    every = lines(done)
    columns = _columns(every)
    parts = ["\n".join(said)]
    for block in (BEFORE, METHOD, OURS, TRANSDUCTIVE, STAGES):
        chosen = [line for line in every if line.block == block]
        if chosen:
            parts.append(f"**{block}**\n\n" + _table(chosen, columns))
    parts.append("**what each needs and costs**\n\n" + _costs(done))
    parts.append("**what the columns say**\n\n" + _meanings(("vectors", *columns, *COSTS)))
    return "\n\n".join(parts) + "\n"


def _columns(every: Sequence[Line]) -> list[str]:
    columns = [name for name in _QUALITY if any(name in line.values for line in every)]
    return columns + sorted({name for line in every for name in line.values} - set(columns))


def _meanings(columns: Sequence[str]) -> str:
    return "\n".join(f"- `{name}`: {meaning(name)}" for name in columns)


def _table(chosen: Sequence[Line], columns: Sequence[str]) -> str:
    shown = [name for name in columns if any(name in line.values for line in chosen)]
    head = ["row", "vectors", *shown]
    rows = [[line.name, line.vectors, *(_figure(line, column) for column in shown)] for line in chosen]
    return _grid(head, rows)


def _figure(line: Line, column: str) -> str:
    value = line.mean(column)
    if value is None:
        return ""
    several = len(line.values[column]) > 1
    text = f"{value:.3f}" + (f" ± {line.spread(column):.3f}" if several else "")
    return text.replace("0.", ".")


def _costs(done: Sequence[tuple[Row, Sequence[Cell]]]) -> str:
    head = ["row", "title", *COSTS, "needs"]
    rows = []
    for row, cells in done:
        first = cells[0]
        costs = [cell["cost"] for cell in cells if cell["cost"] is not None]
        rows.append(
            [
                row.name,
                row.title or first["title"],
                str(first["steps"]),
                "" if first["rate"] is None else f"{first['rate']:g}",
                f"{first['parameters']:,}",
                f"{min(costs):.1f}" if costs else "",
                str(first["bytes"]),
                "" if row.name == RAW else ", ".join(first["needs"]),
            ]
        )
    return _grid(head, rows)


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    ruled = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in ruled)


def save(done: Sequence[tuple[Row, Sequence[Cell]]], said: Sequence[str], folder: Path) -> str:
    """Write comparison.json and comparison.md; returns the latter."""
    text = markdown(done, said)
    rows = {row.name: {"block": row.block, "cells": list(cells)} for row, cells in done}
    columns = {name: meaning(name) for name in _columns(lines(done))}
    content = {"said": list(said), "columns": columns, "rows": rows}
    write(folder / "comparison.json", content)
    write(folder / "comparison.md", text)
    return text
