"""Which model a command uses: the one that its user names, else the one that made the index, else the usual one."""

from pathlib import Path

from model import SketchseekError
from service.settings_file import named_model

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


def _kept_by(index: Path) -> str | None:
    # Imported only now: --help and completion must not wait for them.
    from indexer import shelf
    from model.card import SHIPPED

    try:
        kept_on = shelf(index.expanduser())
        name = kept_on.manifest(kept_on.current()).model
    except (SketchseekError, OSError):
        # There is no index yet, or whatever opens it next says what is wrong.
        return None
    return name if (SHIPPED / name / "card.json").is_file() else None
