"""How likely is a result right? Fits what says so (model/rerankers/relevance.py), and draws how well it holds.

python -m bench.relevance MANIFEST.csv --root IMAGES --splits splits.json --model TWIN --trained TWIN.csv

The twin is a model with a bank that never saw the labels `validation_unseen` of the splits; --trained is the manifest
that it was trained on. Of each query, the first 50 photos count, weighted by 1 / sqrt(rank), and each gallery counts
as much as another. All that is printed comes from five-fold cross-validation over labels: whatever is said of a label
was fitted to others. --write puts the numbers into the card of the model that the twin stands for. Encoding takes
minutes; --cache keeps it for the next run.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bench.relevance.diagram import draw
from bench.relevance.fitting import Fitted, fit
from bench.relevance.galleries import asked
from bench.relevance.pictures import gathered
from model import Encoder
from model.card import Checkpoint, Relevance
from model.export.folders import write_card
from model.modality import Modality

THRESHOLDS = (0.1, 0.15, 0.16, 0.2, 0.25, 0.3, 0.4)


def main() -> None:
    options = _options()
    encoder = Encoder.load(options.model, engine="openvino")
    pictures = gathered(encoder, options)
    print(f"model {encoder.card.name} {encoder.fingerprint}, bank {encoder.bank and encoder.bank.digest}")
    found = {kind: fit(asked(encoder, pictures, kind)) for kind in (Modality.SKETCH, Modality.TEXT)}
    for kind, fitted in found.items():
        _report(kind, fitted)
    draw(found, options.out)
    if options.write is not None:
        _write(found, options.write)


def _write(found: Mapping[Modality, Fitted], folder: Path) -> None:
    numbers = {
        kind.value: [float(f"{number:.3g}") for number in fitted.numbers] for kind, fitted in found.items()
    }
    card = Checkpoint(folder).card.model_copy(update={"relevance": Relevance.model_validate(numbers)})
    write_card(card, folder)


def _report(kind: Modality, fitted: Fitted) -> None:
    counts = ", ".join(f"{name} {count}" for name, count in fitted.counts.items())
    print(f"\n== {kind}: queries: {counts}")
    print(f"Modality.{kind.name}: ({', '.join(f'{number:.3g}' for number in fitted.numbers)}),")
    print(f"AUC {fitted.auc:.3f}, expected calibration error {fitted.error:.3f}")
    print("predicted  seen  weight")
    for row in fitted.bins:
        print(f"{row.predicted:9.3f} {row.seen:5.3f} {row.weight:7.2%}")
    print("per gallery, predicted and seen: " + ", ".join(fitted.per_gallery))
    print("nothing close, share of queries flagged:")
    print("  below   absent   right photo in the first 5")
    for threshold in THRESHOLDS:
        flagged = fitted.best < threshold
        absent, close = flagged[~fitted.present].mean(), flagged[fitted.close].mean()
        print(f"  {threshold:5.2f}   {absent:6.1%}   {close:6.1%}")
    print(f"  queries: {np.sum(~fitted.present)} absent, {np.sum(fitted.close)} right in the first 5")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.relevance",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--splits", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--trained", type=Path, help="for queries of labels that the twin did see")
    parser.add_argument("--set", default="sketchy25", help="whose drawings and photos are asked for")
    parser.add_argument("--doodles", default="quickdraw", help="a set of drawings without photos")
    parser.add_argument("--demo", type=Path, help="photos named by what they show, few of each kind")
    parser.add_argument("--cache", type=Path, help="an .npz file for the vectors of pictures")
    parser.add_argument("--write", type=Path, help="the folder of a model whose card gets the numbers")
    parser.add_argument("--out", type=Path, default=Path("docs/relevance.png"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
