"""Registries: the places where what others add has a name. One line for each entry, loaded when it is asked for.

An entry is written `"module:attribute"`, so that a table costs nothing to import, and a room may name what it must
not load: a card knows the training method that its model comes from without loading torch.
"""

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from model.errors import ModelError

T = TypeVar("T")


class UnknownName(ModelError):
    """A card, recipe or setting names something that no registry lists."""


@dataclass(frozen=True)
class Registry(Generic[T]):
    """What there is of one kind, by name; `kind` is what an error calls it."""

    kind: str
    entries: Mapping[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.entries)

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def check(self, name: str, where: str = "") -> None:
        """Raises UnknownName unless `name` is listed; `where` says who named it."""
        if name not in self.entries:
            said = f"{where}: " if where else ""
            raise UnknownName(f"{said}unknown {self.kind} {name!r}; known: {', '.join(self.entries)}")

    def load(self, name: str, where: str = "") -> T:
        """The entry itself."""
        self.check(name, where)
        module, _, attribute = self.entries[name].partition(":")
        return cast(T, getattr(importlib.import_module(module), attribute))
