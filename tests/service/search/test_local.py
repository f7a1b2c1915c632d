"""Searches that compare local parts: which photos they read, and what they say where there is nothing to compare."""

import shutil
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from indexer import Published
from indexer.empty import EmptyLibrary
from indexer.values import PartRows
from model import SKETCH_CAPS, Encoder
from model.modality import Modality
from model.rerankers.local import WEIGHT, LocalParts
from service.search.finding import encoders, searched
from service.search.gallery import Gallery
from service.search.query import Kind, Part, Query
from service.search.reranking import Answer, Rerankers
from tests.kit.jobs import index_quickly, quickly
from tests.kit.pictures import encoded
from tests.kit.service.commands import sketchseek
from tests.kit.service.servers import listening
from tests.kit.shapes import drawing, picture

FISH = encoded(drawing("fish"), "PNG")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("local") / "photos"
    folder.mkdir()
    for seed in range(30):
        picture(("fish", "star", "mug")[seed % 3], seed, size=96).save(folder / f"{seed}.png")
    return folder


@pytest.fixture(scope="module")
def with_parts(photos: Path, encoder: Encoder) -> Path:
    index_quickly(photos.parent / "index", photos, encoder)
    return photos.parent / "index"


@pytest.fixture(scope="module")
def without_parts(photos: Path, headless_encoder: Encoder) -> Path:
    index_quickly(photos.parent / "older", photos, headless_encoder)
    return photos.parent / "older"


def drawn(rank: str | None, *, k: int = 30, offset: int = 0) -> Query:
    return Query((Part(Kind.SKETCH, FISH, 1.0),), rank=rank, k=k, offset=offset)


def found(index: Path, encoder: Encoder, query: Query) -> tuple[Answer, list[str]]:
    opened = Published.open(index, encoder.fingerprint)
    answer = searched(query, encoder, opened)
    opened.close()
    return answer, [one.hit.photo.relative for one in answer.ranked]


def test_the_best_photos_are_ordered_by_their_parts(with_parts: Path, encoder: Encoder) -> None:
    """As one would by hand: the scores so far, and those of the rows beside their mean."""
    answer, order = found(with_parts, encoder, drawn("local"))
    assert (answer.ranked_by, answer.remark) == ("local", None)
    opened, local = Published.open(with_parts, encoder.fingerprint), encoder.local
    assert local is not None
    pixels = encoder.prepare_sketch(drawing("fish"))
    made = encoder.encode([pixels], Modality.SKETCH)
    assert made.cells is not None
    first = opened.nearest(made.vectors[0], 30, kinds={Modality.SKETCH: 1.0})
    stored = opened.parts(first.ids, local.digest)
    assert stored is not None
    assert stored.present.all()
    fits = local.scores(local.coarse_sketch(made.cells[0], pixels), stored.rows)
    ids = first.ids[np.argsort(-(first.corrected + WEIGHT * (fits - fits.mean())))]
    names = {hit.photo.id: hit.photo.relative for hit in opened.hits(first.ids, first.scores)}
    assert order == [names[number] for number in ids.tolist()]


def test_pages_fit_together(with_parts: Path, encoder: Encoder) -> None:
    for rank in ("local", "all"):
        _, whole = found(with_parts, encoder, drawn(rank))
        pages = [found(with_parts, encoder, drawn(rank, k=10, offset=start))[1] for start in (0, 10, 20)]
        assert [name for page in pages for name in page] == whole


def test_no_more_rows_are_read_than_are_compared(
    with_parts: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    parts = Published.parts

    def counted(opened: Published, ids: np.ndarray, head: str) -> object:
        read.append(len(ids))
        return parts(opened, ids, head)

    monkeypatch.setattr(Published, "parts", counted)
    monkeypatch.setattr(LocalParts, "depth", 12)
    monkeypatch.setattr("model.rerankers.local.DEEPER", 10)
    for rank in ("plain", "collection"):
        found(with_parts, encoder, drawn(rank))
    assert read == []
    for rank in ("local", "all"):
        found(with_parts, encoder, drawn(rank))
    assert read == [12, 10]


def test_an_index_without_parts_says_what_to_do(without_parts: Path, encoder: Encoder) -> None:
    for rank, instead in (("local", "plain"), ("all", "collection")):
        answer, order = found(without_parts, encoder, drawn(rank))
        assert answer.ranked_by == instead
        assert answer.remark == (
            f"ordered as by rank={instead}: the index has no local parts yet; run sketchseek index again to add them"
        )
        assert order == found(without_parts, encoder, drawn(instead))[1]


def test_parts_of_another_head_are_left_alone(
    with_parts: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert encoder.local is not None
    plain = found(with_parts, encoder, drawn("plain"))[1]
    monkeypatch.setattr(encoder.local, "digest", "0" * 16)
    answer, order = found(with_parts, encoder, drawn("local"))
    assert answer.ranked_by == "plain"
    assert answer.remark is not None
    assert "those of another model; run sketchseek index again" in answer.remark
    assert order == plain


def test_a_model_without_a_head_says_so(with_parts: Path, headless_encoder: Encoder) -> None:
    answer, order = found(with_parts, headless_encoder, drawn("all"))
    assert answer.ranked_by == "collection"
    assert answer.remark is not None
    assert "compares no local parts" in answer.remark
    assert len(order) == 30


@pytest.mark.parametrize(
    "parts",
    [(Part(Kind.TEXT, "a fish", 1.0),), (Part(Kind.TEXT, "a fish", 1.0), Part(Kind.SKETCH, FISH, -0.5))],
)
def test_without_a_drawing_there_is_nothing_to_compare(
    with_parts: Path, encoder: Encoder, parts: tuple[Part, ...]
) -> None:
    answer, order = found(with_parts, encoder, Query(parts, rank="local"))
    assert answer.ranked_by == "plain"
    assert answer.remark is not None
    assert "has no drawing" in answer.remark
    assert order


def test_who_asked_for_no_order_is_not_bothered_about_words(with_parts: Path, encoder: Encoder) -> None:
    opened = Published.open(with_parts, encoder.fingerprint)
    rerankers = Rerankers(encoder, "all")
    choice = rerankers.fitting(Query((Part(Kind.TEXT, "a fish", 1.0),)), opened)
    assert (choice.name, choice.remark) == ("collection", None)
    assert rerankers.fitting(drawn(None), opened).name == "all"


def test_an_empty_index_needs_no_remark(encoder: Encoder) -> None:
    nothing = EmptyLibrary("lite", encoder.fingerprint, encoder.dimension)
    answer = searched(drawn("all"), encoder, nothing)
    assert (answer.ranked, answer.remark) == ([], None)


def test_photos_without_parts_keep_their_order(
    with_parts: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As while an older index gets its parts: some photos have none yet."""
    opened = Published.open(with_parts, encoder.fingerprint)
    first = opened.nearest(np.ones(opened.manifest.dimension, np.float32), 99)
    numbers = {
        hit.photo.id: int(hit.photo.relative.removesuffix(".png"))
        for hit in opened.hits(first.ids, first.scores)
    }
    parts, every = Published.parts, 0

    def some(published: Published, ids: np.ndarray, head: str) -> PartRows | None:
        rows = parts(published, ids, head)
        assert rows is not None
        rows.present[:] = [bool(every) and numbers[one] % every == 0 for one in ids.tolist()]
        return rows

    monkeypatch.setattr(Published, "parts", some)
    _, before = found(with_parts, encoder, drawn("local"))
    every = 2
    _, after = found(with_parts, encoder, drawn("local"))
    assert after != before
    assert sorted(after) == sorted(before)
    assert [name for name in after if _odd(name)] == [name for name in before if _odd(name)]


def _odd(name: str) -> bool:
    return int(name.removesuffix(".png")) % 2 == 1


def test_drawings_share_a_batch(encoder: Encoder) -> None:
    assert encoders(encoder)[Kind.SKETCH] == encoders(encoder)[Kind.SKETCH]


@pytest.mark.parametrize(("rank", "used"), [("local", "local"), (None, "all")])
def test_the_service_says_what_it_ordered_by(
    with_parts: Path, encoder: Encoder, rank: str | None, used: str
) -> None:
    answer = _asked(with_parts, encoder, rank)
    assert (answer["ranked_by"], answer["remark"]) == (used, None)


def test_the_service_answers_without_parts_and_says_why(without_parts: Path, encoder: Encoder) -> None:
    answer = _asked(without_parts, encoder, "local")
    assert answer["ranked_by"] == "plain"
    assert answer["remark"].endswith("run sketchseek index again to add them")
    assert len(answer["results"]) == 20


def test_the_command_says_it_on_stderr(without_parts: Path, photos: Path) -> None:
    (photos.parent / "fish.png").write_bytes(FISH)
    with quickly():
        done = sketchseek("search", photos.parent / "fish.png", "--index", without_parts, "--rank", "all")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 10
    assert done.stderr.startswith("ordered as by rank=collection: the index has no local parts yet")


def test_a_copied_index_keeps_its_parts(with_parts: Path, encoder: Encoder, tmp_path: Path) -> None:
    shutil.copytree(with_parts, tmp_path / "copy")
    answer, order = found(tmp_path / "copy", encoder, drawn("local"))
    assert answer.ranked_by == "local"
    assert order == found(with_parts, encoder, drawn("local"))[1]


def _asked(index: Path, encoder: Encoder, rank: str | None) -> dict[str, Any]:
    gallery = Gallery(index, encoder, SKETCH_CAPS)
    with listening(gallery) as url:
        params = {} if rank is None else {"rank": rank}
        answer = httpx.post(f"{url}/search", params=params, content=FISH, timeout=60)
    gallery.published.close()
    found: dict[str, Any] = answer.raise_for_status().json()
    return found
