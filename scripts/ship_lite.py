"""Ship what scripts/train_lite.sh made: python scripts/ship_lite.py OUT/NAME FIGURES.json DESCRIPTION

OUT/NAME, be it `lite` or `lite-plus`, becomes model/weights/NAME. FIGURES.json is what `python -m bench.twins --json`
says of its twin, under a key that says of what, and DESCRIPTION what the card says of the training.
"""

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from model.card import Checkpoint
from model.export.folders import copy_parts, new_folder, write_card

WEIGHTS = Path(__file__).resolve().parent.parent / "model" / "weights"


def main() -> None:
    made, figures, description = sys.argv[1:]
    said = json.loads(Path(figures).read_text(encoding="utf-8"))
    ship(Path(made), said, description, WEIGHTS / Path(made).name)


def ship(made: Path, figures: Mapping[str, object], description: str, folder: Path) -> None:
    model = Checkpoint(made)
    said = {"name": folder.name, "description": description, "figures": figures}
    card = model.card.model_copy(update=said)
    shutil.rmtree(folder, ignore_errors=True)
    with new_folder(folder) as beside:
        copy_parts(model, card.weights, beside)
        write_card(card, beside)


if __name__ == "__main__":
    main()
