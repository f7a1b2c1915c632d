"""Models that never saw what is searched for, in all galleries, side by side: which recipe is better.

python -m bench.twins MANIFEST.csv --root IMAGES --splits splits.json [--scenes FOLDER] [--demo PHOTOS --trained CSV]
    [--pairs SET] [--write CSV] [--json FILE] RUN/model...

| column | queries |
| --- | --- |
| small, large, scenes, words large | as in bench.ranking |
| doodles (--demo) | drawings whose label none of the models saw, in that folder of photos, as in bench.gallery |
| own (--pairs) | the third of that set's drawings that `sketchseek compare` holds out, among their own photos |

In each cell, plain order and collection. The second table says what each model adds to the first, in the order of the
collection (`own`: plain): means of differences on the same queries, with 95 % intervals, resampled by labels. Figures
are kept beside each model (`model.twin.npz`), and not measured again: delete that file when pictures change. --write
makes a manifest to train twins on: without unseen labels and without that third.
"""

import argparse
import csv
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from bench.embeddings import Embeddings
from bench.gallery import hits, untrained_gallery
from bench.library import add_arguments, library, questions
from model import Encoder
from model.comparison.material import held_out
from model.data.datasets import Dataset, Record, read_labels, read_manifest
from model.data.labels import key
from model.evaluation.bootstrap import Floats, intervals
from model.evaluation.embedding import Embedded
from model.evaluation.ranking import inner_product
from model.evaluation.report import markdown_table, short
from model.evaluation.second_stage import ranker_of
from model.evaluation.tasks import Questions
from model.modality import Modality

ORDERS = ("plain", "collection")
# What is told of each gallery, by the name of the measured figure.
COLUMNS: Mapping[str, Sequence[str]] = {
    "small": ("mAP@200", "first_hit"),
    "large": ("first_hit", "hit@5"),
    "words large": ("P@10",),
    "scenes": ("first_hit", "hit@5"),
    "doodles": ("first_hit", "hit@10"),
    "own": ("first_hit", "hit@5"),
}
# `own photo` is about one picture: what the collection shows would only blur it.
PLAIN = "own"
Measured = dict[str, Floats]


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    if options.write is not None:
        print(f"{_write(options)} pictures for twins in {options.write}")
    found = {_name(folder): _measured(folder, options) for folder in options.models}
    if not found:
        return
    first = next(iter(found))
    columns = [
        (gallery, figure)
        for gallery, figures in COLUMNS.items()
        for figure in figures
        if all(_cell(gallery, figure, ORDERS[0]) in each for each in found.values())
    ]
    heads = ["model", *(_head(*column) for column in columns)]
    rows = [[name, *(_said(each, *column) for column in columns)] for name, each in found.items()]
    print(markdown_table(heads, rows))
    if options.json is not None:
        means = {
            name: {_head(*column): _means(each, *column) for column in columns}
            for name, each in found.items()
        }
        options.json.write_text(json.dumps(means, indent=1) + "\n", encoding="utf-8")
    gained = [[name, *_gains(found[first], each, columns)] for name, each in found.items() if name != first]
    if gained:
        print(f"\nAdded to {first}:\n\n{markdown_table(heads, gained)}")
    print(f"\nLoad {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")


def _write(options: argparse.Namespace) -> int:
    """The manifest to train twins on."""
    unseen = {key(label) for label in read_labels(options.splits)[options.unseen]}
    whole = read_manifest(options.manifest, options.root)
    left = {one.path for one in whole.records if key(one.label) in unseen or _is_held(one, options.pairs)}
    with options.manifest.open(newline="", encoding="utf-8") as before:
        reader = csv.DictReader(before)
        kept = [row for row in reader if options.root / row["path"] not in left]
    with options.write.open("w", newline="", encoding="utf-8") as after:
        writer = csv.DictWriter(after, reader.fieldnames or ())
        writer.writeheader()
        writer.writerows(kept)
    return len(kept)


def _is_held(record: Record, paired: str | None) -> bool:
    return paired is not None and record.set == paired and held_out(record)


def _measured(folder: Path, options: argparse.Namespace) -> Measured:
    """Every figure of every query, by gallery, figure and order; the classes of a gallery's queries by its name."""
    encoder = Encoder.load(folder)
    file = folder.with_name(f"{folder.name}.twin.npz")
    if file.is_file():
        with np.load(file) as kept:
            if str(kept["of"]) == _of(encoder, options):
                return {name: kept[name] for name in kept.files if name != "of"}
    found = dict(_asked(encoder, options))
    np.savez(file, of=np.array(_of(encoder, options)), **found)
    return found


def _of(encoder: Encoder, options: argparse.Namespace) -> str:
    bank = "" if encoder.bank is None else encoder.bank.digest
    asked = (options.manifest, options.splits, options.scenes, options.demo, options.trained, options.pairs)
    return " ".join(map(str, (encoder.fingerprint, bank, *asked)))


def _asked(encoder: Encoder, options: argparse.Namespace) -> Iterator[tuple[str, Floats]]:
    embeddings = Embeddings(encoder)
    rankers = {name: ranker_of(name, encoder) for name in ORDERS}
    for gallery, question in questions(library(encoder, embeddings, options)):
        if gallery in COLUMNS:
            yield gallery, question.classes
            for order, ranker in rankers.items():
                measured = question.measured(ranker).per_query
                yield from ((_cell(gallery, figure, order), measured[figure]) for figure in COLUMNS[gallery])
    if options.pairs is not None:
        yield from _own(embeddings, options)
    if options.demo is not None:
        shown, trained = untrained_gallery(embeddings, options)
        known = {key(record.label) for record in trained.records}
        new = np.array([key(str(label)) not in known for label in shown.labels])
        photos, drawings = encoder.strip(shown.photos, Modality.PHOTO), shown.drawings[new]
        yield "doodles", shown.labels[new]
        for order, ranker in rankers.items():
            placed = hits(encoder.strip(drawings, Modality.SKETCH), photos, shown.right[new], ranker)
            yield from ((_cell("doodles", figure, order), values) for figure, values in placed.items())


def _own(embeddings: Embeddings, options: argparse.Namespace) -> Iterator[tuple[str, Floats]]:
    whole = read_manifest(options.manifest, options.root)
    kept, vectors = embeddings.semantic([one for one in whole.records if _is_held(one, options.pairs)])
    question = Questions(Embedded(Dataset("pairs", kept), vectors), None, 0.5).fine_grained()
    measured = question.measured(inner_product).per_query
    yield "own", question.classes
    yield from ((_cell("own", figure, "plain"), measured[figure]) for figure in COLUMNS["own"])


def _cell(gallery: str, figure: str, order: str) -> str:
    return f"{_head(gallery, figure)} {order}"


def _orders(gallery: str) -> Sequence[str]:
    return ORDERS[:1] if gallery == PLAIN else ORDERS


def _head(gallery: str, figure: str) -> str:
    return f"{gallery} {figure}"


def _means(found: Measured, gallery: str, figure: str) -> dict[str, float]:
    return {
        order: round(float(np.nanmean(found[_cell(gallery, figure, order)])), 4) for order in _orders(gallery)
    }


def _said(found: Measured, gallery: str, figure: str) -> str:
    return " / ".join(map(short, _means(found, gallery, figure).values()))


def _gains(before: Measured, after: Measured, columns: Sequence[tuple[str, str]]) -> Iterator[str]:
    for gallery, figure in columns:
        name = _cell(gallery, figure, _orders(gallery)[-1])
        difference = after[name] - before[name]
        low, high = intervals({name: difference}, before[gallery], [name])[name]
        yield f"{np.nanmean(difference):+.3f} [{low:+.3f}, {high:+.3f}]"


def _name(folder: Path) -> str:
    return folder.parent.name if folder.name == "model" else folder.name


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.twins",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_arguments(parser)
    parser.add_argument(
        "models", type=Path, nargs="*", help="model folders; the first is what others are compared with"
    )
    parser.add_argument("--pairs", help="set whose drawings have their own photos")
    parser.add_argument("--json", type=Path, help="file for the means, by model, for a card")
    parser.add_argument("--write", type=Path, help="file for the manifest to train on")
    return parser.parse_intermixed_args(arguments)


if __name__ == "__main__":
    main()
