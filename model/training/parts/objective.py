"""What a step of training local parts computes: cells of drawings and photos, and what is wrong with them."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from model.local.parts import BLANK, centres
from model.training.losses.encodings import PHOTO, SKETCH
from model.training.parts.losses import both_ways, place_loss
from model.training.parts.maps import Maps
from model.training.parts.network import Matcher
from model.training.parts.options import Options
from model.training.parts.sampling import Batch

Inputs = dict[int, Tensor]
# Mean and deviation, the first directions and the encodings are measured on so many pictures of each kind.
_MEASURED = 600
# A drawing with ink in fewer cells says nothing.
_LEAST_CELLS = 3
# How long the first directions are, all together, and how much less the strongest ones count.
_LENGTH, _FLATTER = 8.0, 0.25


class Objective:
    """A matcher, what it is shown, and the losses. `tables` has the maps of photos, sketches, pseudo, and loose."""

    def __init__(
        self,
        matcher: Matcher,
        tables: Mapping[str, Maps],
        sampler: Callable[[int], Batch],
        options: Options,
    ) -> None:
        self.matcher, self.options = matcher, options
        self._tables, self._sampler = tables, sampler
        self._centres = torch.from_numpy(centres(matcher.head.shape.side))

    @property
    def _device(self) -> torch.device:
        return self.matcher.cost.device

    @torch.no_grad()
    def start(self) -> None:
        """Measure the maps; tokens begin as the principal directions of what photos and drawings have in common."""
        dice = np.random.default_rng([self.options.seed, 3])
        drawn = self._tables.get("sketches") or self._tables["loose"]
        kinds = {PHOTO: self._some(self._tables["photos"], dice), SKETCH: self._some(drawn, dice)}
        for stage in kinds[PHOTO]:
            # One by one: each takes as much room as the maps of both kinds.
            self.matcher.standardise({stage: torch.cat([maps[stage] for maps in kinds.values()])})
        direct = self.matcher.head.shape.direct
        self._point(
            [self.matcher.standardised({stage: maps[stage] for stage in direct}) for maps in kinds.values()]
        )
        for kind, maps in kinds.items():
            cells = self.matcher.coarse(self.matcher.cells(maps))
            self.matcher.encodings[kind] = cells[..., :-1].mean(dim=(0, 1, 2))

    def loss(self, step: int) -> dict[str, Tensor]:
        """The terms of a step, and their `total`."""
        batch = self._sampler(step)
        drawings, ink, places = self._drawings(batch)
        matcher = self.matcher
        drawn = matcher.cells(drawings)
        shown = matcher.cells(self._placed(self._tables["photos"](batch.photos)))
        scores, alive = self._scores(drawn, shown, ink)
        photos, labels = (
            torch.from_numpy(each).to(self._device)[alive] for each in (batch.photos, batch.labels)
        )
        # Drawings of a class are next to any photo of it.
        own = torch.arange(len(alive), device=self._device)[alive] < batch.paired
        found = {
            "own": both_ways(scores[own][:, own], photos[own][:, None] == photos[own]),
            "classes": both_ways(scores, labels[:, None] == labels),
            "places": place_loss(
                matcher.tokens(drawn, SKETCH),
                matcher.tokens(shown, PHOTO),
                places.masked_fill(ink.flatten(1)[..., None] < BLANK, float("nan")),
                self._centres.to(self._device),
                matcher.log_place_scale.exp(),
            ),
        }
        weights = {"own": 1.0, "classes": self.options.classes, "places": self.options.places}
        total = torch.stack([weights[name] * term for name, term in found.items()]).sum()
        return found | {"total": total}

    def _scores(self, drawn: Tensor, shown: Tensor, ink: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the drawings that show something, each with all their photos; and which drawings those are."""
        matcher = self.matcher
        step = ink.shape[-1] // matcher.stored
        inked = (F.avg_pool2d(ink[:, None], step).flatten(1) >= BLANK).float()
        alive = inked.sum(dim=1) >= _LEAST_CELLS
        small, photos = matcher.coarse(drawn[alive]), matcher.coarse(shown[alive])
        scores = matcher.scores(
            matcher.tokens(small, SKETCH), matcher.weights(small, inked[alive]), matcher.tokens(photos, PHOTO)
        )
        return scores * matcher.log_scale.exp(), alive

    def _drawings(self, batch: Batch) -> tuple[Inputs, Tensor, Tensor]:
        """Maps, ink, and places of all drawings of a batch."""
        used = [
            (self._tables[name], rows)
            for name, rows in (("sketches", batch.sketches), ("pseudo", batch.pseudo), ("loose", batch.loose))
            if len(rows)
        ]
        parts = [table(rows) for table, rows in used]
        maps = {stage: torch.cat([part[stage] for part in parts]) for stage in parts[0]}
        ink = np.concatenate([table.ink[rows] for table, rows in used])
        places = np.concatenate([table.places[rows] for table, rows in used])
        return self._placed(maps), self._tensor(ink), self._tensor(places).flatten(1, 2)

    def _some(self, table: Maps, dice: np.random.Generator) -> Inputs:
        rows = dice.choice(len(table), min(_MEASURED, len(table)), replace=False)
        return self._placed(table(np.sort(rows)))

    def _point(self, kinds: list[Inputs]) -> None:
        """Point the linear part of the head in the principal directions, flattened; it says nothing of importance."""
        head = self.matcher.head
        direct = head.shape.direct
        rows = []
        for maps in kinds:
            sides = {stage: maps[stage].shape[-1] // head.shape.trunk for stage in direct}
            joined = torch.cat([F.avg_pool2d(maps[stage], side) for stage, side in sides.items()], dim=1)
            flat = joined.transpose(0, 1).flatten(1).T
            rows.append(flat - flat.mean(dim=0))
        every = torch.cat(rows)
        # Ascending; the last are the most.
        values, vectors = torch.linalg.eigh(every.T @ every / len(every))
        count = min(head.shape.width, len(values))
        strong = values[-count:].flip(0).clamp_min(1e-6)
        directions = (vectors[:, -count:].flip(1) / strong**_FLATTER).T
        directions *= _LENGTH / directions.norm()
        for stage, part in zip(
            direct, directions.split([head.shape.reads[stage][0] for stage in direct], dim=1), strict=True
        ):
            layer = head.direct[str(stage)]
            layer.weight.zero_()
            layer.bias.zero_()
            layer.weight[:count] = part[:, :, None, None]

    def _placed(self, maps: Inputs) -> Inputs:
        return {stage: each.to(self._device) for stage, each in maps.items()}

    def _tensor(self, values: NDArray[np.float16]) -> Tensor:
        return torch.from_numpy(values.astype(np.float32)).to(self._device)
