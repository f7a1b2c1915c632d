"""Ship what scripts/train_lite.sh made: python scripts/ship_lite.py OUT FIGURES.json DESCRIPTION

OUT/lite becomes model/weights/lite. Of OUT/lite-plus only the card and the bank do: its other files are those of lite.
FIGURES.json is what `python -m bench.twins --json` says of a twin, and DESCRIPTION what the card says of the training.
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from model.card import Card, Checkpoint
from model.export.folders import write_card

WEIGHTS = Path(__file__).resolve().parent.parent / "model" / "weights"


def main() -> None:
    out, figures, description = sys.argv[1:]
    ship(Path(out), json.loads(Path(figures).read_text(encoding="utf-8")), description, WEIGHTS)


def ship(out: Path, figures: dict[str, Any], description: str, weights: Path) -> None:
    """`figures`: of `lite` and `lite-plus`, by name."""
    _check_shared(Checkpoint(out / "lite").card, Checkpoint(out / "lite-plus").card)
    lite = Checkpoint(_copied(out / "lite", weights / "lite", every=True))
    plus = Checkpoint(_copied(out / "lite-plus", weights / "lite-plus", every=False))
    said = {"name": "lite", "description": description, "figures": figures["lite"]}
    write_card(lite.card.model_copy(update=said), lite.folder)
    shared = {
        part: weight.model_copy(
            update={"file": f"weights/lite/{weight.file}", "package": "model", "distribution": "sketchseek"}
        )
        if weight.package is None and part != "bank"
        else weight
        for part, weight in plus.card.weights.items()
    }
    said = {
        "name": "lite-plus",
        "description": f"{description}; looks at each picture: {', '.join(plus.card.looks)}",
        "figures": figures["lite-plus"],
        "weights": shared,
    }
    write_card(plus.card.model_copy(update=said), plus.folder)


def _copied(source: Path, target: Path, *, every: bool) -> Path:
    card = Checkpoint(source).card
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    names = {
        weight.file
        for part, weight in card.weights.items()
        if not weight.package and (every or part == "bank")
    }
    for name in ("card.json", *sorted(names)):
        shutil.copyfile(source / name, target / name)
    return target


def _check_shared(lite: Card, plus: Card) -> None:
    """Exit unless all of the sibling's files but its bank are those of lite."""
    for part, weight in plus.weights.items():
        if part != "bank" and (part not in lite.weights or weight.sha256 != lite.weights[part].sha256):
            sys.exit(f"lite-plus has another {part} than lite: make it of lite by `sketchseek looks`")


if __name__ == "__main__":
    main()
