"""Which model a command uses: the one that its user names, else the one that made the index, else the usual one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from model import SketchseekError
from service.settings_file import named_model

if TYPE_CHECKING:
    from indexer import Shelf
    from indexer.values import Facts
    from model import Encoder

USUAL = "lite"
_NOTE = "model.json"


def chosen_model(option: str | None, index: Path | None = None, kept_on: Shelf | None = None) -> str:
    """For commands that read no other settings: an option or a variable comes before the settings file."""
    return model_for(option or named_model(), index, kept_on)


def model_for(named: str | None, index: Path | None = None, kept_on: Shelf | None = None) -> str:
    """The name or folder of a model; `kept_on` is where the library is, if not in the index folder.

    A library keeps the model that it was made with: whoever chose one once does not have to say so again.
    """
    return named or (None if index is None else _maker(index, kept_on)) or USUAL


def model_of_run(option: str | None, index: Path, kept_on: Shelf | None = None) -> str:
    """For whatever makes a library: goes on with the model that made it, or that a run began with and was killed.

    Raises IndexProblem rather than replace a model of the user's own unasked, or one that nobody knows because a
    server does not answer.
    """
    from indexer.errors import IndexProblem

    if named := option or named_model():
        return named
    last, made = _last(index), _facts(index, kept_on)
    if made is not None and (place := _place_of(made, last)) is not None:
        return place
    if last is not None and _fingerprint(last) is not None:
        return last
    if made is not None and made.model not in _shipped():
        raise IndexProblem(
            f"the library was made with the model {made.model}, which cannot be found: name its folder with --model, "
            f"or embed all photos again with a model that ships: --model {USUAL}"
        )
    return USUAL if made is None else made.model


@contextmanager
def noted(index: Path, model: str) -> Iterator[None]:
    """Note the model of a run for later ones, also if it is stopped; a run that is refused may leave no folder."""
    try:
        yield
    finally:
        if ((index := index.expanduser()) / "LOCK").exists():
            place = model if model in _shipped() else str(Path(model).resolve())
            beside = index / f"{_NOTE}.new"
            with suppress(OSError):
                beside.write_text(json.dumps({"model": place}) + "\n", encoding="utf-8")
                beside.replace(index / _NOTE)


def another_model(index: Path, encoder: Encoder, kept_on: Shelf | None = None) -> str | None:
    """What to tell before a library is made with another model than so far: nobody should meet that by surprise."""
    made = _published(index, kept_on)
    if made is None or made.fingerprint == encoder.fingerprint:
        return None
    before, now = made.model, encoder.card.name
    if before == now:
        return f"the index was made with another {now} than this one, and is now made anew"
    return f"the index was made with the model {before}, and is now made with {now}"


def successor(index: Path, kept_on: Shelf, load: Callable[[str], Encoder]) -> Callable[[Encoder], Encoder]:
    """For a service whose user names no model: which one it goes on with when its library is made with another."""

    def found(encoder: Encoder) -> Encoder:
        made = _published(index, kept_on)
        if made is None or made.fingerprint == encoder.fingerprint:
            return encoder
        place = _place_of(made, _last(index))
        return encoder if place is None else load(place)

    return found


def _maker(index: Path, kept_on: Shelf | None) -> str | None:
    """The model that made the library: its folder, or its name if it ships, even with other weights by now."""
    made = _published(index, kept_on)
    if made is None:
        return None
    return _place_of(made, _last(index)) or (made.model if made.model in _shipped() else None)


def _place_of(made: Facts, last: str | None) -> str | None:
    """Where exactly the model is that made this, if anywhere."""
    shipped = made.model if made.model in _shipped() else None
    return next(
        (place for place in (shipped, last) if place and _fingerprint(place) == made.fingerprint), None
    )


def _last(index: Path) -> str | None:
    """The model of the last run."""
    try:
        return str(json.loads((index.expanduser() / _NOTE).read_text(encoding="utf-8"))["model"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _fingerprint(place: str) -> str | None:
    from model.card import Checkpoint

    try:
        return Checkpoint.find(place).card.fingerprint
    except SketchseekError:
        return None


def _shipped() -> frozenset[str]:
    # Imported only now: --help and completion must not wait for it.
    from model.card import SHIPPED

    return frozenset(path.parent.name for path in SHIPPED.glob("*/card.json"))


def _published(index: Path, kept_on: Shelf | None) -> Facts | None:
    """What is known of the library; whatever opens it next says what is wrong with it."""
    with suppress(SketchseekError):
        return _facts(index, kept_on)
    return None


def _facts(index: Path, kept_on: Shelf | None) -> Facts | None:
    """None if nothing is published, or what is damaged. Raises what a server says that does not let us see."""
    from indexer import BrokenGeneration, NoIndex, shelf

    try:
        kept_on = kept_on or shelf(index.expanduser())
        return kept_on.manifest(kept_on.current())
    except (NoIndex, BrokenGeneration, OSError):
        return None
