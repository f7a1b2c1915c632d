"""The figures of a report: the space before and after subtracting encodings, and sheets of results."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, ImageOps
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from model.data.loading import load_image
from model.evaluation.embedding import Embedded
from model.evaluation.tasks import Questions, spread

Floats = NDArray[np.float32]

MARKERS = {"sketch": "x", "photo": "o", "text": "*"}
RIGHT, WRONG, ASKED = "#1a7f37", "#cf222e", "#57606a"
TILE, FRAME, GAP, CAPTION = 112, 5, 6, 16
# With more classes than this, their names would hide the points.
NAMED = 12


def tsne(vectors: NDArray[np.floating], *, perplexity: float = 30.0, seed: int = 0) -> Floats:
    """Project to two dimensions with t-SNE, for up to a few thousand vectors; starts from the principal components."""
    if len(vectors) < 4:
        raise ValueError(f"t-SNE of {len(vectors)} vectors shows nothing: give at least four")
    # Identical points have no principal components.
    begin = "pca" if np.ptp(vectors, axis=0).any() else "random"
    # With so few points, threads on a busy machine mostly wait for each other: minutes instead of seconds.
    with threadpool_limits(1):
        found: Floats = TSNE(
            perplexity=min(perplexity, (len(vectors) - 1) / 3), init=begin, random_state=seed
        ).fit_transform(vectors)
    return found


def stripping_picture(
    before: NDArray[np.floating],
    after: NDArray[np.floating],
    modalities: Sequence[str],
    labels: Sequence[str],
    path: Path,
    *,
    seed: int = 0,
) -> None:
    """Draw two panels: embeddings, which separate by modality, and semantic vectors, which separate by class."""
    kinds, names = np.array(modalities), sorted(set(labels))
    photos = kinds == "photo"
    colours = np.array([names.index(label) for label in labels])
    figure = Figure(figsize=(12, 6), layout="constrained")
    for panel, title, vectors in zip(
        figure.subplots(1, 2), ("before stripping", "after stripping"), (before, after), strict=True
    ):
        spots = tsne(vectors, seed=seed)
        for kind, marker in MARKERS.items():
            shown = kinds == kind
            if shown.any():
                panel.scatter(
                    *spots[shown].T,
                    c=colours[shown],
                    cmap="tab20",
                    vmin=0,
                    vmax=max(len(names) - 1, 1),
                    marker=marker,
                    s=90 if kind == "text" else 18,
                    linewidths=1,
                    label=kind,
                )
        if len(names) <= NAMED:
            for colour in sorted(set(colours[photos])):
                panel.annotate(
                    names[colour], np.median(spots[(colours == colour) & photos], axis=0), ha="center"
                )
        panel.set(title=title, xticks=[], yticks=[])
    figure.axes[0].legend(loc="best")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def space_picture(
    before: Embedded,
    after: Embedded,
    path: Path,
    *,
    unseen: Sequence[str] | None = None,
    classes: int = 10,
    each: int = 30,
    seed: int = 0,
) -> int:
    """Draw `stripping_picture` for some unseen classes, with their names; returns the number of points.

    Without sketches, or with fewer than four images, it draws nothing and returns 0.
    """
    records = before.data.records
    questions = Questions(before, unseen, 0.5)
    rng = np.random.default_rng(seed)
    drawn = np.unique(questions.labels[questions.sketches])
    shown = sorted(map(str, rng.permutation(drawn)[:classes]))
    places: list[int] = []
    for label in shown:
        for kind in (questions.sketches, questions.photos):
            found = np.flatnonzero(kind & (questions.labels == label))
            places += [int(place) for place in rng.permutation(found)[:each]]
    if len(places) < 4:
        return 0
    words = [label for label in shown if label in before.texts]
    spots = [np.array([*data.vectors[places], *map(data.texts.get, words)]) for data in (before, after)]
    kinds = [*(records[place].modality for place in places), *["text"] * len(words)]
    labels = [*(records[place].label for place in places), *words]
    stripping_picture(spots[0], spots[1], kinds, labels, path, seed=seed)
    return len(places) + len(words)


@dataclass(frozen=True)
class SheetLine:
    """One line of a sheet: a query, its first results, and which of them are right."""

    query: Image.Image
    caption: str
    photos: tuple[Image.Image, ...]
    right: tuple[bool, ...]


def sheet(lines: Sequence[SheetLine], path: Path) -> None:
    """Draw queries on the left, then their results: green frames around right photos, red around wrong ones."""
    columns = 1 + max(len(line.photos) for line in lines)
    step = TILE + 2 * FRAME + GAP
    page = Image.new("RGB", (columns * step + GAP, len(lines) * (step + CAPTION) + GAP), "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(12)
    for row, line in enumerate(lines):
        top = GAP + row * (step + CAPTION)
        marks = [ASKED, *(RIGHT if right else WRONG for right in line.right)]
        for column, (picture, colour) in enumerate(zip((line.query, *line.photos), marks, strict=True)):
            page.paste(_tile(picture, colour), (GAP + column * step, top))
        pen.text((GAP, top + TILE + 2 * FRAME), line.caption, fill="black", font=font)
    path.parent.mkdir(parents=True, exist_ok=True)
    page.save(path)


def _tile(picture: Image.Image, colour: str) -> Image.Image:
    flat = Image.new("RGB", picture.size, "white")
    flat.paste(picture, mask=picture.getchannel("A") if picture.mode == "RGBA" else None)
    return ImageOps.expand(ImageOps.pad(flat, (TILE, TILE), color="white"), FRAME, colour)


def zero_shot_sheet(
    embedded: Embedded,
    path: Path,
    *,
    unseen: Sequence[str] | None = None,
    rows: int = 12,
    k: int = 10,
    seed: int = 0,
) -> int:
    """Draw a sheet of sketches taken evenly from the unseen classes; returns the number of lines."""
    questions = Questions(embedded, unseen, 0.5)
    records = embedded.data.records
    gallery = np.flatnonzero(questions.photos & questions.unseen)
    lines: list[SheetLine] = []
    for asked in spread(np.flatnonzero(questions.sketches), questions.labels, rows, seed):
        scores = embedded.vectors[gallery] @ embedded.vectors[asked]
        best = gallery[np.argsort(-scores, kind="stable")[:k]]
        right = tuple(bool(questions.labels[place] == questions.labels[asked]) for place in best)
        photos = tuple(load_image(records[place], shortest=TILE) for place in best)
        caption = f"{questions.labels[asked]}: {sum(right)} of {len(right)} right"
        lines.append(SheetLine(load_image(records[asked], shortest=TILE), caption, photos, right))
    if lines:
        sheet(lines, path)
    return len(lines)
