"""Orders compared: things that training never saw, alone, in a library of other photos, rare there, and by name.

python -m bench.ranking MANIFEST.csv --root IMAGES --splits splits.json --model MODEL [--demo PHOTOS] [--seen]

| gallery | queries | photos |
| --- | --- | --- |
| small | drawings of one set's unseen labels | the set's photos of them |
| large | the same | the same among all photos of other labels, in all sets |
| rare | the same | as large, but only three photos of each unseen label |
| words small, words large | the name of each unseen label | as small and large |
| seen (--seen) | drawings of the set's other labels | as large |
| scenes (--scenes) | as small | as large, but each of the set's photos is a part of a scene (bench/scenes.py) |

With --demo, also drawings against that folder, as in bench.gallery. Each order has a row, and `gain` one for what the
second order adds to the first on the same queries: difference and ratio. In brackets: 95 % intervals (see
model/evaluation/bootstrap.py). Encoding 14,000 photos takes minutes; --cache FILE.npz keeps their embeddings.
"""

import argparse
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.embeddings import Embeddings
from bench.gallery import HITS, hits, untrained_gallery
from bench.library import add_arguments, library, questions
from model import Encoder
from model.evaluation.bootstrap import Floats, Interval, intervals
from model.evaluation.ranking import Ranker
from model.evaluation.report import markdown_table, short, spoken
from model.evaluation.second_stage import ranker_of
from model.evaluation.tasks import Question
from model.modality import Modality

ORDERS = ("plain", "collection")
FIGURES = ("mAP@200", "first_hit", "hit@5", "hit@10", "P@10")

Row = list[str]


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    encoder = Encoder.load(options.model, engine=options.engine)
    embeddings = Embeddings(encoder, options.cache)
    found = library(encoder, embeddings, options)
    rankers = {name: ranker_of(name, encoder) for name in ORDERS}
    rows = [row for name, question in questions(found) for row in _compared(name, question, rankers)]
    bank = "no bank" if encoder.bank is None else f"bank {encoder.bank.digest}"
    print(
        f"Model {encoder.card.name} {encoder.fingerprint}, {bank}; {len(found.unseen.data.labels)} unseen labels "
        f"of {options.set}, {len(found.others.data):,} photos of other labels.\n"
    )
    print(markdown_table(["gallery", "queries", "photos", "order", *spoken(FIGURES)], rows))
    if options.demo is not None:
        print(f"\n{_demo(encoder, embeddings, rankers, options)}")
    print(f"\nLoad {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, engine {encoder.engine.name}.")


def _compared(name: str, question: Question, rankers: Mapping[str, Ranker]) -> list[Row]:
    measured = {order: question.measured(ranker) for order, ranker in rankers.items()}
    first = measured[ORDERS[0]]
    counts = [name, str(first.queries - first.unanswerable), f"{first.gallery:,}"]
    figures = {order: found.per_query for order, found in measured.items()}
    return [[*counts, *cells] for cells in _cells(figures, question.classes, FIGURES)]


def _cells(
    measured: Mapping[str, Mapping[str, Floats]], classes: NDArray[np.str_], names: Sequence[str]
) -> Iterator[Row]:
    """A row for each order, then the gain of the last over the first: query by query, so that intervals are narrow."""
    for order, figures in measured.items():
        ranges = intervals(figures, classes, names)
        yield [
            order,
            *(_with(short(float(np.nanmean(figures[name]))), ranges.get(name), short) for name in names),
        ]
    before, after = measured[ORDERS[0]], measured[ORDERS[-1]]
    gains = {name: after[name] - before[name] for name in names}
    ranges = intervals(gains, classes, names)
    cells = []
    for name in names:
        cell = _with(_signed(float(np.nanmean(gains[name]))), ranges.get(name), _signed)
        base = float(np.nanmean(before[name]))
        cells.append(f"{cell} x {float(np.nanmean(after[name])) / base:.2f}" if base else cell)
    yield ["gain", *cells]


def _demo(
    encoder: Encoder, embeddings: Embeddings, rankers: Mapping[str, Ranker], options: argparse.Namespace
) -> str:
    gallery, _ = untrained_gallery(embeddings, options)
    drawings = encoder.strip(gallery.drawings, Modality.SKETCH)
    photos = encoder.strip(gallery.photos, Modality.PHOTO)
    measured = {name: hits(drawings, photos, gallery.right, ranker) for name, ranker in rankers.items()}
    counts = ["sparse", str(len(drawings)), str(len(photos))]
    rows = [[*counts, *cells] for cells in _cells(measured, gallery.labels, HITS)]
    return markdown_table(["gallery", "queries", "photos", "order", *spoken(HITS)], rows)


def _with(value: str, interval: Interval | None, said: Callable[[float], str]) -> str:
    return value if interval is None else f"{value} [{', '.join(map(said, interval))}]"


def _signed(value: float) -> str:
    return ("-" if value < 0 else "+") + short(abs(value))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.ranking",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_arguments(parser)
    parser.add_argument("--model", default="lite")
    parser.add_argument("--engine", default="openvino")
    parser.add_argument("--others", type=int, help="at most so many photos of other labels; default: all")
    parser.add_argument("--seen", action="store_true", help="also ask for the set's other labels")
    parser.add_argument("--cache", type=Path, help="file for the embeddings (.npz)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
