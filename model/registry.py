"""Registries: the names under which extensions are found. One line per entry, loaded on first use.

An entry is written `"module:attribute"`, so that a table costs nothing to import and can name what its importer must
not load: a card can check the training method of its model without loading torch.
"""

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from model.errors import ModelError

T = TypeVar("T")


class UnknownName(ModelError):
    """A card, recipe or setting uses a name that is not in the registry."""


class BrokenEntry(ModelError):
    """A registry's line leads nowhere."""


@dataclass(frozen=True)
class Registry(Generic[T]):
    """All entries of one kind, by name; errors call them `kind`."""

    kind: str
    entries: Mapping[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.entries)

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def check(self, name: str, where: str = "") -> None:
        """Raise UnknownName unless `name` is listed; `where` says where the name comes from."""
        if name not in self.entries:
            said = f"{where}: " if where else ""
            raise UnknownName(f"{said}unknown {self.kind} {name!r}; known: {', '.join(self.entries)}")

    def load(self, name: str, where: str = "") -> T:
        """Import and return the entry."""
        self.check(name, where)
        module, _, attribute = self.entries[name].partition(":")
        try:
            loaded = importlib.import_module(module)
        except ModuleNotFoundError as error:
            # A library that is not installed is another matter, for which the caller has advice.
            if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                raise
            raise BrokenEntry(self._broken(name, str(error))) from None
        if not hasattr(loaded, attribute):
            raise BrokenEntry(self._broken(name, f"no {attribute} in {module}"))
        return cast(T, getattr(loaded, attribute))

    def _broken(self, name: str, reason: str) -> str:
        return f"the {self.kind} {name!r} is registered as {self.entries[name]!r}, which does not exist: {reason}"
