"""The rows of a comparison: each training method as its authors have it, on the same towers.

A method becomes a row by being listed in `model.methods`. Those that leave the tower as it is get a second row in which
it is trained, so that the tower does not decide.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from model.methods import METHODS
from model.registry import UnknownName
from model.training.methods.base import Method
from model.training.methods.needs import Need
from model.training.recipe import Recipe, read_recipe

# Blocks of the table, in its order.
BEFORE, METHOD, OURS, TRANSDUCTIVE = "before training", "methods", "ours", "have seen the gallery"
RAW, OWN = "raw", "ours"
TOWER = "+tower"
# A step that leaves the tower as it is costs a third.
_FROZEN_STEPS = 3


@dataclass(frozen=True)
class Row:
    """A way of making vectors. `changes` are fields in which its recipe differs from the others'."""

    name: str
    block: str
    method: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    trained: bool = True
    # Instead of the method's own.
    title: str = ""

    def recipe(self, base_name: str, steps: int, seed: int = 0, rate: float | None = None) -> Recipe:
        """Its recipe with so many steps of a trained tower; `rate` replaces the tower's, and scales the heads'."""
        base = read_recipe(base_name, self.method)
        fields = base.model_dump() | dict(self.changes)
        if fields["tower"] == "nothing" and self.trained:
            steps *= _FROZEN_STEPS
        fields |= {"name": self.name, "steps": steps, "epochs": None, "seed": seed}
        if rate is not None:
            scale = rate / base.tower_rate
            fields |= {
                "tower_rate": fields["tower_rate"] * scale,
                "head_rate": fields["head_rate"] * scale,
            }
        return Recipe.model_validate(fields)


def rows() -> dict[str, Row]:
    """All rows by name, in the table's order."""
    found = [Row(RAW, BEFORE, "siamese", trained=False, title="The tower as it came")]
    for name in METHODS:
        kind: type[Method] = METHODS.load(name)
        changes = dict(kind.recipe)
        block = TRANSDUCTIVE if Need.UNLABELLED in kind.needs else METHOD
        if not kind.learns:
            found.append(Row(name, BEFORE, name, changes, trained=False))
            continue
        found.append(Row(name, block, name, changes))
        if changes.get("tower") == "nothing":
            whole = changes | {"tower": "later-stages"}
            found.append(Row(name + TOWER, block, name, whole))
    options = read_recipe("lite").options.model_dump()
    found.append(Row(OWN, OURS, "ma-sbir", {"options": options}, title="MA-SBIR with terms of our own"))
    blocks = (BEFORE, METHOD, OURS, TRANSDUCTIVE)
    return {row.name: row for row in sorted(found, key=lambda row: blocks.index(row.block))}


def chosen(names: Sequence[str]) -> dict[str, Row]:
    """The rows of these names, or all; a method's name means its second row, too."""
    known = rows()
    for name in names:
        if name not in known:
            raise UnknownName(f"unknown row {name!r}; known: {', '.join(known)}")
    wanted = {*names, *(name + TOWER for name in names)}
    return {name: row for name, row in known.items() if not names or name in wanted}
