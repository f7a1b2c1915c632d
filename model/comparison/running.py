"""Run a comparison: each row's rate first, chosen on seen labels, then its seeds; what is done is not done again."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from model.comparison import stages
from model.comparison.figures import among_seen, in_small, measured
from model.comparison.kinds import kinds_of
from model.comparison.material import Material
from model.comparison.rows import OURS, RAW, Row
from model.comparison.training import Trained, clear, train
from model.comparison.vectors import AS_IS, MEANS_OFF, Found, embed
from model.training.files import read, write
from model.training.recipe import read_recipe
from model.training.state import RunProblem
from model.training.validation import embedded

Say = Callable[[str], None]
Cell = dict[str, Any]
RATES = (5e-5, 1e-4, 3e-4)
# Photos of other things among which a rate is judged.
_OTHERS = 1000
# Rates are compared after so many of the steps.
_SHARE = 0.5


@dataclass(frozen=True)
class Plan:
    recipe: str
    steps: int
    seeds: tuple[int, ...]
    rates: tuple[float, ...] = RATES

    def refuse_other(self, folder: Path, data: str) -> None:
        """Raise RunProblem if the folder holds a comparison of other steps, or other data than that of this digest."""
        own = {
            "recipe": read_recipe(self.recipe, "ma-sbir").digest,
            "steps": self.steps,
            "rates": list(self.rates),
            "data": data,
        }
        file = folder / "plan.json"
        if file.exists():
            before = read(file)
            if before is None:
                raise RunProblem(
                    f"{file}: damaged: remove it if the folder holds a comparison of this data, with the same recipe "
                    "and steps, to go on with it; or give an empty folder"
                )
            if other := [name for name in own if own[name] != before.get(name)]:
                raise RunProblem(
                    f"{folder} holds a comparison with another value of {', '.join(other)}: give an empty folder, or "
                    "the same data and options to go on with it"
                )
            return
        write(file, own)


class Comparison:
    def __init__(
        self, rows: Mapping[str, Row], plan: Plan, material: Material, folder: Path, say: Say
    ) -> None:
        self.rows, self.plan, self.material, self.say = rows, plan, material, say
        self.folder = folder
        self._kinds = kinds_of(material.unseen.data)

    def cells(self) -> Iterator[tuple[Row, list[Cell]]]:
        """The cells of each row; seeds in the outer loop would leave no row complete for hours."""
        for number, row in enumerate(self.rows.values(), start=1):
            self.say(f"{row.name}: row {number} of {len(self.rows)}")
            rate = self._rate(row) if row.trained else None
            yield row, [self._cell(row, seed, rate) for seed in self._seeds(row)]

    def _seeds(self, row: Row) -> Sequence[int]:
        # What is not trained is the same with every seed.
        return self.plan.seeds if row.trained else self.plan.seeds[:1]

    def _rate(self, row: Row) -> float:
        """The rate with which it finds held-out seen labels best."""
        file = self.folder / row.name / "rates.json"
        found: dict[str, float] = read(file) or {}
        for rate in self.plan.rates:
            if f"{rate:g}" not in found:
                folder = self.folder / row.name / f"rate {rate:g}"
                found[f"{rate:g}"] = self._tried(row, rate, folder)
                write(file, found)
                clear(folder, weights=True)
        return max(self.plan.rates, key=lambda rate: found[f"{rate:g}"])

    def _tried(self, row: Row, rate: float, folder: Path) -> float:
        seen, held = self.material.to_tune()
        recipe = row.recipe(self.plan.recipe, max(1, int(_SHARE * self.plan.steps)), rate=rate)
        trained = train(recipe, seen, held, folder, self.say, trial=True)
        known = [row for row in self.material.others if self._is_seen(row)][:_OTHERS]
        vectors = embedded(trained.network, held.views, range(len(held.views)))
        others = embedded(trained.network, self.material.seen.views, known)
        figure = among_seen(vectors, held.data, others)
        self.say(f"{row.name}: rate {rate:g}, mAP@200 {figure:.4f} of held-out seen labels")
        return round(figure, 4)

    def _is_seen(self, row: int) -> bool:
        return self.material.seen.data.records[row].label not in self.material.tuned

    def _cell(self, row: Row, seed: int, rate: float | None) -> Cell:
        folder = self.folder / row.name / f"seed {seed}"
        file = folder / "cell.json"
        if done := read(file):
            return done
        recipe = row.recipe(self.plan.recipe, self.plan.steps, seed, rate)
        trained = train(recipe, self.material.seen, self.material.unseen, folder, self.say, steps=row.trained)
        found = embed(trained, self.material)
        found.save(folder)
        cell = self._measured(row, found, trained) | {"row": row.name, "seed": seed, "rate": rate}
        write(file, cell)
        clear(folder, weights=False)
        return cell

    def _measured(self, row: Row, found: Found, trained: Trained) -> Cell:
        off = found.means_off(self.material)
        said = {
            name: measured(vectors, self.material, self._kinds).as_json()
            for name, vectors in ((AS_IS, found), (MEANS_OFF, off))
        }
        method = trained.network.method
        return {
            "vectors": said,
            "stages": dict(self._stages(row, found, off, trained)),
            "cost": trained.cost,
            "parameters": trained.parameters,
            "steps": trained.objective.recipe.steps if row.trained else 0,
            "bytes": 2 * trained.objective.recipe.dimension,
            "needs": sorted(str(need) for need in method.needs),
            "title": method.title,
            "load": os.getloadavg()[0],
        }

    def _stages(
        self, row: Row, found: Found, off: Found, trained: Trained
    ) -> Iterator[tuple[str, Mapping[str, object]]]:
        if row.block == OURS or row.name == RAW:
            # Two clouds, of drawings and of photos, would be all that a stage sees in the gallery.
            for name, ranker in stages.by_gallery(off).items():
                ranked = measured(off, self.material, self._kinds, ranker)
                yield name, ranked.as_json() | {"of": MEANS_OFF}
        scores = stages.pair_scores(trained, self.material)
        if scores is not None:
            for name, depth in stages.DEPTHS.items():
                ranked = in_small(found, self.material, partial(stages.by_pairs, scores, depth))
                yield name, ranked.as_json() | {"of": AS_IS}
