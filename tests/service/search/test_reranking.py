"""The second stage of a search: pages that fit together, and details that reach the results."""

from pathlib import Path

import numpy as np
import pytest

from indexer import Published
from model import Encoder
from model.registry import UnknownName
from model.rerankers import RERANKERS, Candidates, Question, Ranking
from service.search.finding import described
from service.search.query import Kind, Part, Query
from service.search.reranking import Rerankers, find
from tests.conftest import Job
from tests.kit.shapes import drawing


class Backwards:
    """Turns the first eight round, and says where each was."""

    depth = 8

    def __init__(self, encoder: Encoder) -> None:
        pass

    def rerank(self, question: Question, candidates: Candidates) -> Ranking:
        order = np.arange(len(candidates))[::-1]
        return Ranking(order, [{"was": int(place), "id": int(candidates.ids[place])} for place in order])


@pytest.fixture
def published(job: Job, library: Path, encoder: Encoder) -> Published:
    job(library)
    return Published.open(job.index, encoder.fingerprint)


@pytest.fixture
def rerankers(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> Rerankers:
    monkeypatch.setitem(RERANKERS.entries, "backwards", f"{__name__}:Backwards")  # type: ignore[arg-type]
    return Rerankers(encoder)


def page(
    published: Published, rerankers: Rerankers, encoder: Encoder, name: str | None, **rules: int
) -> list[str]:
    question = Question(encoder.sketches([drawing("fish")])[0])
    query = Query((Part(Kind.SKETCH, b"", 1),), rerank=name, **rules)
    found = find(published, question, query, rerankers.chosen(name))
    return [one.hit.photo.relative for one in found]


def test_the_first_candidates_change_places_and_the_rest_stays(
    published: Published, rerankers: Rerankers, encoder: Encoder
) -> None:
    plain = page(published, rerankers, encoder, "none", k=15)
    assert page(published, rerankers, encoder, None, k=15) == plain
    assert page(published, rerankers, encoder, "backwards", k=15) == plain[7::-1] + plain[8:]


def test_pages_fit_together_across_the_depth(
    published: Published, rerankers: Rerankers, encoder: Encoder
) -> None:
    whole = page(published, rerankers, encoder, "backwards", k=15)
    pages = [page(published, rerankers, encoder, "backwards", k=3, offset=3 * number) for number in range(6)]
    assert [photo for part in pages for photo in part] == whole
    assert pages[5] == []


def test_details_belong_to_their_photos(published: Published, rerankers: Rerankers, encoder: Encoder) -> None:
    question = Question(encoder.sketches([drawing("fish")])[0])
    query = Query((Part(Kind.SKETCH, b"", 1),), k=10)
    found = find(published, question, query, rerankers.chosen("backwards"))
    said = [described(published, one).detail for one in found]
    assert said[:8] == [{"was": 7 - place, "id": one.hit.photo.id} for place, one in enumerate(found[:8])]
    assert said[8:] == [None, None]


def test_a_name_that_nobody_knows_is_refused(rerankers: Rerankers, encoder: Encoder) -> None:
    with pytest.raises(UnknownName, match="unknown re-ranker 'magic'; known: none, backwards"):
        rerankers.chosen("magic")
    with pytest.raises(UnknownName, match="'magic'"):
        Rerankers(encoder, "magic")
