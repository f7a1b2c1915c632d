"""Which model a command uses: the one that its user names, else the one that made the index, else the usual one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from model import SketchseekError
from service.settings_file import named_model

if TYPE_CHECKING:
    from indexer.values import Facts
    from model import Encoder

USUAL = "lite"


def chosen_model(option: str | None, index: Path | None = None, store: str | None = None) -> str:
    """For commands that read no other settings: an option or a variable comes before the settings file."""
    return model_for(option or named_model(), index, store)


def model_for(named: str | None, index: Path | None = None, store: str | None = None) -> str:
    """The name or folder of a model; an index folder beside a `store` holds no vectors, and is not asked.

    An index keeps the model that it was made with, if that ships with sketchseek: whoever chose `lite-plus` once does
    not have to say so again. Of a model of the user's own, an index knows no folder.
    """
    return named or (None if store or index is None else _kept_by(index)) or USUAL


def another_model(index: Path, encoder: Encoder) -> str | None:
    """What to tell before an index is made with another model than so far: nobody should meet that by surprise."""
    made = _published(index)
    if made is None or made.fingerprint == encoder.fingerprint:
        return None
    before, now = made.model, encoder.card.name
    if before == now:
        return f"the index was made with another {now} than this one, and is now made anew"
    return f"the index was made with the model {before}, and is now made with {now}"


def successor(index: Path, load: Callable[[str], Encoder]) -> Callable[[Encoder], Encoder]:
    """For a service whose user names no model: which one it goes on with when its index is made with another."""

    def found(encoder: Encoder) -> Encoder:
        made = _published(index)
        if made is None or made.fingerprint == encoder.fingerprint:
            return encoder
        return load(made.model) if _fingerprint(made.model) == made.fingerprint else encoder

    return found


def _kept_by(index: Path) -> str | None:
    made = _published(index)
    return made.model if made is not None and _fingerprint(made.model) else None


def _fingerprint(name: str) -> str | None:
    """That of a model that ships; None if none of that name does."""
    # Imported only now: --help and completion must not wait for it.
    from model.card import SHIPPED, Checkpoint

    return Checkpoint.find(name).card.fingerprint if (SHIPPED / name / "card.json").is_file() else None


def _published(index: Path) -> Facts | None:
    from indexer import shelf

    try:
        kept_on = shelf(index.expanduser())
        return kept_on.manifest(kept_on.current())
    except (SketchseekError, OSError):
        # There is no index yet, or whatever opens it next says what is wrong.
        return None
