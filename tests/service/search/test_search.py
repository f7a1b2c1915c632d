"""Searches by drawing, photo, words, a known photo and mixes of them, with filters and pages, over a real socket."""

import socket
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from indexer import Silent, run
from model import SKETCH_CAPS, Encoder
from model.modality import Modality, unit
from service.problems import ServiceError
from service.search.finding import question
from service.search.gallery import Gallery
from service.search.parameters.values import SearchParams
from service.search.query import Kind, Part, Query
from tests.kit.exif import taken_photo
from tests.kit.pictures import encoded
from tests.kit.service.asking import PNG, problem
from tests.kit.service.servers import LiveServer, listening
from tests.kit.shapes import THINGS, drawing, picture

FISH = encoded(picture("fish", 99), "JPEG")


@pytest.fixture(scope="module")
def dated(tmp_path_factory: pytest.TempPathFactory, encoder: Encoder) -> Iterator[LiveServer]:
    """Eighteen photos of two cameras, one a month, with a copy of one that was saved anew."""
    folder = tmp_path_factory.mktemp("dated")
    photos, index = folder / "photos", folder / "index"
    moment = datetime(2023, 1, 15, 12)
    for number in range(18):
        thing = list(THINGS)[number % 3]
        place = photos / ("2023" if moment.year == 2023 else "later") / f"{thing} {number:02}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        taken_photo(picture(thing, number), place, moment, "Canon EOS R6" if number % 2 else "Pixel 8")
        moment += timedelta(days=30)
    Image.open(photos / "2023" / "star 00.jpg").save(photos / "star copy.jpg", quality=90)
    run(index, [photos], encoder, Silent())
    gallery = Gallery(index, encoder, SKETCH_CAPS)
    with listening(gallery) as url:
        yield LiveServer(url, photos, index, gallery)
    gallery.published.close()


def results(
    server: LiveServer, files: Mapping[str, bytes] | None = None, **fields: object
) -> list[dict[str, Any]]:
    with server.client() as client:
        if files:
            answer = client.post("/search", files=dict(files), data={k: str(v) for k, v in fields.items()})
        else:
            answer = client.get("/search", params={k: str(v) for k, v in fields.items()})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def test_a_photo_finds_photos_of_its_kind(live_server: LiveServer) -> None:
    found = results(live_server, {"photo": FISH}, k=5)
    assert {one["path"].split("/")[0] for one in found} == {"fish"}


def test_words_are_a_search_of_their_own(live_server: LiveServer, encoder: Encoder) -> None:
    found = results(live_server, text="a banana", k=30)
    wanted = encoder.texts(["a banana"])[0]
    for one in (found[0], found[-1]):
        vector = live_server.gallery.published.vector(one["id"])
        assert vector is not None
        assert one["score"] == pytest.approx(float(vector[0] @ wanted), abs=2e-3)
    plain = results(live_server, text="a banana", k=30, rank="plain")
    assert sorted(one["score"] for one in found) == [one["score"] for one in plain[::-1]]


def test_more_like_a_photo_begins_with_itself(live_server: LiveServer) -> None:
    first = results(live_server, {"sketch": PNG}, k=1)[0]
    found = results(live_server, like=first["id"], k=5)
    assert found[0]["id"] == first["id"]
    assert found[0]["score"] == pytest.approx(1, abs=1e-3)


def test_a_mix_is_the_weighted_sum_of_its_parts(live_server: LiveServer, encoder: Encoder) -> None:
    like = results(live_server, {"photo": encoded(picture("mug", 50), "JPEG")}, k=1)[0]["id"]
    found = results(
        live_server, {"sketch": PNG, "photo": FISH}, text="a fish", like=like,
        sketch_weight=0.8, text_weight=0.5, like_weight=-0.6, k=30,
    )  # fmt: skip
    known = live_server.gallery.published.vector(like)
    assert known is not None
    parts = [
        0.8 * encoder.sketches([drawing("fish")])[0],
        encoder.photos([Image.open(BytesIO(FISH))])[0],
        0.5 * encoder.texts(["a fish"])[0],
        -0.6 * known[0] / np.linalg.norm(known[0]),
    ]
    wanted = sum(parts) / np.linalg.norm(sum(parts))
    for one in found:
        vector = live_server.gallery.published.vector(one["id"])
        assert vector is not None
        assert one["score"] == pytest.approx(float(vector[0] @ wanted), abs=5e-3)


def test_fields_may_stand_in_the_address_or_in_the_form(live_server: LiveServer) -> None:
    with live_server.client() as client:
        body = client.post("/search?k=3&text=a+fish&text_weight=0.5", content=PNG)
        form = client.post(
            "/search", files={"sketch": PNG}, data={"k": "3", "text": "a fish", "text_weight": "0.5"}
        )
        both = client.post(
            "/search?k=3", files={"sketch": PNG}, data={"text": "a fish", "text_weight": "0.5"}
        )
        twice = client.post("/search?k=3", files={"sketch": PNG}, data={"k": "3"})
    assert len(body.json()["results"]) == 3
    assert body.json()["results"] == form.json()["results"] == both.json()["results"]
    assert "k: is in the address, too" in problem(twice, 422, "invalid_request")


def test_what_nobody_filled_in_is_not_asked(live_server: LiveServer) -> None:
    with live_server.client() as client:
        answer = client.post(
            "/search",
            files={"sketch": PNG, "photo": ("", b"", "application/octet-stream")},
            data={"text": " ", "folder": "", "after": "", "camera": "", "like": "", "k": "3"},
        )
        assert answer.status_code == 200, answer.text
        assert answer.json()["results"] == results(live_server, {"sketch": PNG}, k=3)
        # As browsers send a file that nobody chose.
        part = b'--x\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
        form = part % (b"photo", b'; filename=""', b"") + part % (b"text", b"", b"a fish") + b"--x--\r\n"
        kind = {"content-type": "multipart/form-data; boundary=x"}
        assert client.post("/search", content=form, headers=kind).status_code == 200


def test_pages_follow_one_another(live_server: LiveServer) -> None:
    whole = results(live_server, {"sketch": PNG}, k=12)
    pages = [results(live_server, {"sketch": PNG}, k=4, offset=offset) for offset in (0, 4, 8)]
    assert [one for page in pages for one in page] == whole
    assert results(live_server, {"sketch": PNG}, k=4, offset=30) == []


def test_a_least_score_leaves_worse_ones_out(live_server: LiveServer) -> None:
    whole = results(live_server, {"sketch": PNG}, k=30)
    least = sorted(one["score"] for one in whole)[20] - 1e-3
    passing = [one["id"] for one in whole if one["score"] >= least]
    found = results(live_server, {"sketch": PNG}, k=30, min_score=least)
    assert sorted(one["id"] for one in found) == sorted(passing)
    plain = results(live_server, {"sketch": PNG}, k=30, min_score=least, rank="plain")
    assert [one["score"] for one in plain] == sorted((one["score"] for one in found), reverse=True)


def test_filters_find_all_that_pass(dated: LiveServer) -> None:
    assert {one["path"].split("/")[0] for one in results(dated, text="a mug", folder="2023")} == {"2023"}
    summer = results(dated, text="a mug", after="2023-06", before="2023-09")
    assert {one["taken"][:7] for one in summer} == {"2023-06", "2023-07", "2023-08"}
    canon = results(dated, text="a mug", camera="canon eos r6")
    assert (len(canon), {one["camera"] for one in canon}) == (9, {"Canon EOS R6"})
    rare = results(dated, text="a star", camera="Pixel 8", after="2023-08-01", before="2023-09-15", k=5)
    assert len(rare) == 1
    assert results(dated, text="a star", folder="nowhere") == []
    assert results(dated, text="a star", folder="\\") == []


def test_near_duplicates_are_folded_on_request(dated: LiveServer) -> None:
    star = encoded(drawing("star"), "PNG")
    apart = results(dated, {"sketch": star}, k=50)
    folded = results(dated, {"sketch": star}, k=50, fold_duplicates="true")
    paths = {one["id"]: one["path"] for one in apart}
    groups = [{paths[one["id"]], *(paths[other] for other in one["duplicates"])} for one in folded]
    assert any({"2023/star 00.jpg", "star copy.jpg"} <= group for group in groups)
    assert sorted(path for group in groups for path in group) == sorted(paths.values())
    assert all(one["duplicates"] == [] for one in apart)


@pytest.mark.parametrize(
    ("fields", "code", "part"),
    [
        ({}, "empty_query", "nothing to search for"),
        ({"text": "   "}, "empty_query", "nothing to search for"),
        ({"text": "x", "text_weight": "0"}, "empty_query", "all weights are zero"),
        ({"text": "x" * 1001}, "invalid_request", "text: "),
        ({"text": "x", "text_weight": "nan"}, "invalid_request", "text_weight: "),
        ({"text": "x", "like_weight": "3"}, "invalid_request", "like_weight: "),
        ({"text": "x", "min_score": "inf"}, "invalid_request", "min_score: "),
        ({"text": "x", "offset": "-1"}, "invalid_request", "offset: "),
        ({"text": "x", "k": "201"}, "invalid_request", "k: "),
        ({"text": "x", "after": "2024-13"}, "invalid_request", "after: "),
        ({"text": "x", "before": "yesterday"}, "invalid_request", "2024-07-31"),
        ({"text": "x", "folder": "/etc"}, "invalid_request", "below a photo folder"),
        ({"text": "x", "folder": "a/../.."}, "invalid_request", "below a photo folder"),
        (
            {"text": "x", "rank": "magic"},
            "invalid_request",
            "rank: unknown name 'magic'; known: plain, collection",
        ),
        ({"text": "x", "fold_duplicates": "perhaps"}, "invalid_request", "fold_duplicates: "),
        ({"text": "x", "tekst": "y"}, "invalid_request", "tekst: "),
    ],
)
def test_parameters_that_make_no_sense(
    live_server: LiveServer, fields: dict[str, str], code: str, part: str
) -> None:
    with live_server.client() as client:
        assert part in problem(client.get("/search", params=fields), 422, code)
        form = {name: (None, value) for name, value in fields.items()} or {"text": (None, "")}
        assert part in problem(client.post("/search", files=form), 422, code)


def test_several_photos_are_one_part_and_some_lead_away(live_server: LiveServer) -> None:
    fish, mug = (results(live_server, text="a", folder=name, k=1)[0]["id"] for name in ("fish", "mug"))
    published = live_server.gallery.published
    vectors = {one: published.vector(one) for one in (fish, mug)}
    for like, signs in (
        (f"{fish},{mug}", (1, 1)),
        (f"{fish},-{mug}", (1, -1)),
        (f"-{fish}, -{mug}", (-1, -1)),
    ):
        query = sum(sign * vectors[one] for one, sign in zip((fish, mug), signs, strict=True))
        best = published.search(unit(query.astype(np.float32)), 5)
        found = results(live_server, like=like, k=5, rank="plain")
        assert [one["id"] for one in found] == [hit.photo.public_id for hit in best]
    for like, code in ((f"{fish},{fish}", "invalid_request"), (f"{fish},-{fish}", "invalid_request")):
        with live_server.client() as client:
            problem(client.get("/search", params={"like": like}), 422, code)
    copies = published.duplicates(published.photo(fish))
    assert len(copies) == 1
    with live_server.client() as client:
        problem(client.get("/search", params={"like": f"{fish},{'f' * 15}0"}), 404, "photo_not_found")


def test_an_unknown_photo_is_like_nothing(live_server: LiveServer) -> None:
    with live_server.client() as client:
        for name in ("0" * 16, "cat", "../x", "f" * 900):
            problem(client.get("/search", params={"like": name}), 404, "photo_not_found")


def test_parts_that_cancel_one_another_out(live_server: LiveServer) -> None:
    like = results(live_server, text="a fish", k=1)[0]["id"]
    with live_server.client() as client:
        alone = client.get("/search", params={"like": like, "like_weight": -1, "k": 1})
        assert alone.json()["results"][0]["id"] != like
        files = {"sketch": ("s.png", PNG), "photo": ("p.png", PNG)}
        answer = client.post("/search", files=files, data={"photo_weight": "-1"})
        # A drawing as a photo is not quite the drawing: its other modality encoding was taken off.
        assert answer.status_code == 200
    one = np.array([1.0, 0.0], dtype=np.float32)
    with pytest.raises(ServiceError, match="cancel each other out"):
        question([(Part(Kind.TEXT, "a", 1), "a"), (Part(Kind.TEXT, "b", -1), "b")], [one, one])


def test_a_query_says_what_it_is_made_of() -> None:
    parts = (
        Part(Kind.SKETCH, b"", 2),
        Part(Kind.TEXT, "a", -1),
        Part(Kind.LIKE, "1", 1),
        Part(Kind.PHOTO, b"", 1),
    )
    made = question([(part, part.value) for part in parts], list(np.eye(4, dtype=np.float32)))
    length = 7**0.5
    assert made.kinds == pytest.approx(
        {Modality.SKETCH: 2 / length, Modality.TEXT: -1 / length, Modality.PHOTO: 2 / length}
    )
    assert np.allclose(made.vector, np.array([2, -1, 1, 1]) / length)
    assert made.pictures == {Modality.SKETCH: b"", Modality.PHOTO: b""}


def test_more_than_one_of_a_kind_is_refused(live_server: LiveServer) -> None:
    with live_server.client() as client:
        twice = [("sketch", ("a.png", PNG)), ("sketch", ("b.png", PNG))]
        assert "more than once" in problem(client.post("/search", files=twice), 422, "invalid_request")
        words = [("text", (None, "a")), ("text", (None, "b"))]
        assert "more than once" in problem(client.post("/search", files=words), 422, "invalid_request")
        address = client.get("/search?text=a&text=b")
        assert "text: was sent more than once" in problem(address, 422, "invalid_request")
        file = {"text": ("a.txt", b"a cat", "text/plain")}
        assert "pictures go into" in problem(client.post("/search", files=file), 422, "invalid_request")


def test_a_form_that_breaks_off_is_not_searched_by_what_is_left(live_server: LiveServer) -> None:
    field = b'--x\r\ncontent-disposition: form-data; name="%s"\r\n\r\n%s\r\n'
    kind = {"content-type": "multipart/form-data; boundary=x"}
    whole = field % (b"text", b"fish") + field % (b"folder", b"nowhere") + b"--x--\r\n"
    with live_server.client() as client:
        assert client.post("/search", content=whole, headers=kind).json()["results"] == []
        for cut in range(len(whole) - 9, len(field), -5):
            answer = client.post("/search", content=whole[:cut], headers=kind)
            assert "truncated" in problem(answer, 400, "bad_request")
        nothing = client.post("/search", content=b"--x--\r\n", headers=kind)
        problem(nothing, 422, "empty_query")


def test_the_query_has_what_was_given_in_one_order() -> None:
    query = SearchParams(text="a", like="1", like_weight=0.5, folder="x/", k=3).query({Kind.SKETCH: b"s"})
    assert query.parts == (Part(Kind.SKETCH, b"s", 1), Part(Kind.TEXT, "a", 1), Part(Kind.LIKE, "1", 0.5))
    assert query.where is not None
    assert (query.k, query.where.folder) == (3, "x")
    assert SearchParams(text="a").query({}) == Query((Part(Kind.TEXT, "a", 1),))


def test_a_model_without_words_says_so(
    tmp_path: Path, live_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Encoder, "reads_words", False)
    with live_server.client() as client:
        answer: httpx.Response = client.get("/search", params={"text": "a fish"})
        assert "search with a drawing" in problem(answer, 422, "no_text_tower")
        assert client.post("/search", content=PNG).status_code == 200


def test_a_caller_who_hangs_up_in_the_middle_of_a_picture_is_no_error_of_ours(
    live_server: LiveServer, caplog: pytest.LogCaptureFixture
) -> None:
    for kind in ("image/png", "multipart/form-data; boundary=x"):
        with socket.create_connection(("127.0.0.1", int(live_server.url.rpartition(":")[2]))) as caller:
            head = f"POST /search HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: {kind}\r\ncontent-length: 9999\r\n\r\n"
            caller.sendall(head.encode() + b"--x\r\n")
            time.sleep(0.1)
    with live_server.client() as client:
        for _ in range(100):
            told = client.get("/metrics").text
            gone = [line for line in told.splitlines() if 'status="499"' in line and "/search" in line]
            if gone and float(gone[0].split()[-1]) >= 2:
                break
            time.sleep(0.05)
        else:
            raise AssertionError(told)
    assert "failed" not in caplog.text
