"""Ship what scripts/train_lite.sh made: python scripts/ship_lite.py OUT FIGURES.json DESCRIPTION

OUT/lite becomes model/weights/lite. Of OUT/lite-plus only the card and the bank do: its other files are those of lite.
FIGURES.json is what `python -m bench.twins --json` says of a twin, and DESCRIPTION what the card says of the training.
"""

import json
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from model.card import Card, Checkpoint, WeightFile
from model.export.folders import copy_parts, new_folder, write_card

WEIGHTS = Path(__file__).resolve().parent.parent / "model" / "weights"


def main() -> None:
    out, figures, description = sys.argv[1:]
    ship(Path(out), json.loads(Path(figures).read_text(encoding="utf-8")), description, WEIGHTS)


def ship(out: Path, figures: dict[str, Any], description: str, weights: Path) -> None:
    """`figures`: of `lite` and `lite-plus`, by name."""
    lite, plus = (Checkpoint(out / name) for name in ("lite", "lite-plus"))
    _check_shared(lite.card, plus.card)
    said = {"name": "lite", "description": description, "figures": figures["lite"]}
    _written(lite, said, lite.card.weights, weights / "lite")
    said = {
        "name": "lite-plus",
        "description": f"{description}; looks at each picture: {', '.join(plus.card.looks)}",
        "figures": figures["lite-plus"],
        "weights": {
            part: weight if part == "bank" else _of_lite(weight) for part, weight in plus.card.weights.items()
        },
    }
    _written(plus, said, ["bank"], weights / "lite-plus")


def _of_lite(weight: WeightFile) -> WeightFile:
    if weight.package is not None:
        return weight
    return weight.model_copy(
        update={"file": f"weights/lite/{weight.file}", "package": "model", "distribution": "sketchseek"}
    )


def _written(made: Checkpoint, said: Mapping[str, object], parts: Iterable[str], folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    with new_folder(folder) as beside:
        copy_parts(made, parts, beside)
        write_card(made.card.model_copy(update=dict(said)), beside)


def _check_shared(lite: Card, plus: Card) -> None:
    """Exit unless all of the sibling's files but its bank are those of lite."""
    for part, weight in plus.weights.items():
        if part != "bank" and (part not in lite.weights or weight.sha256 != lite.weights[part].sha256):
            sys.exit(f"lite-plus has another {part} than lite: make it of lite by `sketchseek looks`")


if __name__ == "__main__":
    main()
