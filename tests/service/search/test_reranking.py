"""The second stage of a search: pages that fit together, and details that reach the results."""

from pathlib import Path

import httpx
import numpy as np
import pytest
from pydantic import ValidationError

from indexer import Published
from model import Encoder
from model.modality import Modality, Vectors
from model.registry import UnknownName
from model.rerankers import RERANKERS, Candidates, Question, Ranking
from service.search.finding import described
from service.search.query import Kind, Part, Query
from service.search.reranking import Answer, Rerankers, find
from service.settings import Settings
from tests.kit.jobs import Job
from tests.kit.service.asking import PNG
from tests.kit.service.servers import LiveServer, listening
from tests.kit.shapes import drawing


class Backwards:
    """Turns the first eight round, and says where each was."""

    depth = 8
    corrected = False

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
    query = Query((Part(Kind.SKETCH, b"", 1),), rank=name, **rules)
    found = find(published, question, query, rerankers.chosen(name))
    return [one.hit.photo.relative for one in found.ranked]


def test_the_first_candidates_change_places_and_the_rest_stays(
    published: Published, rerankers: Rerankers, encoder: Encoder
) -> None:
    plain = page(published, rerankers, encoder, "plain", k=15)
    assert page(published, Rerankers(encoder, "plain"), encoder, None, k=15) == plain
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
    said = [described(one).detail for one in found.ranked]
    assert said[:8] == [
        {"was": 7 - place, "id": one.hit.photo.id} for place, one in enumerate(found.ranked[:8])
    ]
    assert said[8:] == [None, None]


def test_a_name_that_nobody_knows_is_refused(rerankers: Rerankers, encoder: Encoder) -> None:
    with pytest.raises(
        UnknownName, match="unknown re-ranker 'magic'; known: plain, collection, local, all, backwards"
    ):
        rerankers.chosen("magic")
    with pytest.raises(UnknownName, match="'magic'"):
        Rerankers(encoder, "magic")


def test_a_request_names_its_re_ranker_else_the_settings_do(
    live_server: LiveServer, rerankers: Rerankers
) -> None:
    def results(url: str, **fields: str) -> list[dict[str, object]]:
        answer = httpx.post(f"{url}/search", files={"sketch": PNG}, data={"k": "10", **fields}, timeout=30)
        assert answer.json()["took_ms"]["rerank"] >= 0
        found: list[dict[str, object]] = answer.json()["results"]
        return found

    plain = [one["id"] for one in results(live_server.url, rank="plain")]
    turned = results(live_server.url, rank="backwards")
    assert [one["id"] for one in turned] == plain[7::-1] + plain[8:]
    assert [one["detail"] for one in turned[7:]] == [
        {"was": 0, "id": int(str(turned[7]["id"]), 16)},
        None,
        None,
    ]
    with listening(live_server.gallery, rank="backwards") as url:
        assert results(url) == turned
        assert [one["id"] for one in results(url, rank="plain")] == plain


def test_a_setting_that_names_no_re_ranker_is_refused() -> None:
    with pytest.raises(ValidationError, match="unknown re-ranker 'magic'; known: plain, collection"):
        Settings(rank="magic")


def test_an_index_without_biases_is_ranked_but_not_judged(
    job: Job, library: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As those that an older version published."""
    monkeypatch.setitem(vars(job.encoder), "bank", None)
    job(library)
    older = Published.open(job.index, encoder.fingerprint)
    assert older.manifest.bank == ""
    vector = encoder.sketches([drawing("fish")])[0]
    question = Question(vector, kinds={Modality.SKETCH: 1.0})
    query = Query((Part(Kind.SKETCH, b"", 1),), k=15, rank="collection")
    found = find(older, question, query, Rerankers(encoder).chosen("collection"))
    assert len({one.hit.photo.id for one in found.ranked}) == 15
    assert {one.relevance for one in found.ranked} == {None}
    assert not found.nothing_close


def test_the_collection_judges_what_it_finds(published: Published, encoder: Encoder) -> None:
    def asked(kind: Modality, vector: Vectors) -> Answer:
        query = Query((Part(Kind(kind), b"", 1),), k=15)
        return find(published, Question(vector, kinds={kind: 1.0}), query, Rerankers(encoder).chosen(None))

    drawn = asked(Modality.SKETCH, encoder.sketches([drawing("fish")])[0])
    assert drawn.ranked[0].hit.photo.relative.startswith("fish/")
    likely = [one.relevance for one in drawn.ranked if one.relevance is not None]
    assert len(likely) == 15
    assert likely[0] > min(likely)
    # Words without a meaning here: no photo is likely, and the answer says so.
    for word in ("asdfqwer", "qwertz", "blorf", "xkcd zzzz"):
        nonsense = asked(Modality.TEXT, encoder.texts([word])[0])
        assert nonsense.nothing_close
        assert max(one.relevance or 0 for one in nonsense.ranked) < 0.15
    assert not asked(Modality.TEXT, encoder.texts(["star"])[0]).nothing_close
    # What looks like a photo comes in the order of its score.
    photo = asked(Modality.PHOTO, published.vectors(np.array([drawn.ranked[0].hit.photo.id]))[0])
    scores = [one.hit.score for one in photo.ranked]
    assert scores == sorted(scores, reverse=True)
    assert {one.relevance for one in photo.ranked} == {None}


def test_how_many_are_reordered_is_a_setting(
    published: Published, rerankers: Rerankers, encoder: Encoder
) -> None:
    few = Rerankers(encoder, candidates=3)
    plain = page(published, few, encoder, "plain", k=15)
    assert page(published, few, encoder, "backwards", k=15) == plain[2::-1] + plain[3:]
    assert few.chosen("plain").depth == 0
    assert rerankers.chosen("backwards").depth == 8
