"""An engine that looks at each picture more than once, by an engine that looks once."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from model.looks import Look, seen
from model.modality import unit

if TYPE_CHECKING:
    from model.engines import Engine
    from model.modality import Pixels, Vectors
    from model.words.tokens import Tokens


class Looking:
    """Embeds pictures as the mean of all looks, `dimension` numbers; cells behind these are those of the first look."""

    def __init__(self, engine: "Engine", looks: Sequence[Look], dimension: int) -> None:
        self._engine, self._looks, self._dimension = engine, looks, dimension
        self.name, self.device = engine.name, engine.device

    @property
    def problem(self) -> str | None:
        return self._engine.problem

    @property
    def batch(self) -> int:
        return self._engine.batch

    def embed_images(self, pixels: "Pixels") -> "Vectors":
        rows = self._engine.embed_images(pixels)
        at = self._dimension
        total = rows[:, :at].copy()
        for look in self._looks[1:]:
            total += self._engine.embed_images(seen(look, pixels))[:, :at]
        return np.concatenate([unit(total), rows[:, at:]], axis=1)

    def embed_texts(self, tokens: "Tokens") -> "Vectors":
        return self._engine.embed_texts(tokens)
