"""Times as people write them: whatever is taken is compared right, and all else is refused by name."""

from collections.abc import Iterator
from datetime import datetime

import httpx
import pytest

from indexer import Silent, run
from model import SKETCH_CAPS, Encoder
from service.search.gallery import Gallery
from tests.kit.exif import taken_photo
from tests.kit.service.asking import problem
from tests.kit.service.servers import listening
from tests.kit.shapes import picture

TAKEN = [
    datetime(2023, 12, 31, 23, 59, 59),
    datetime(2024, 1, 1),
    datetime(2024, 7, 30, 23, 59, 59),
    datetime(2024, 7, 31),
    datetime(2024, 7, 31, 17, 59, 59),
    datetime(2024, 7, 31, 18),
    datetime(2024, 7, 31, 18, 0, 1),
    datetime(2024, 7, 31, 19),
    datetime(2024, 8, 1),
    datetime(2025, 1, 1),
]
MEANT = {
    "2024": datetime(2024, 1, 1),
    "2024-07": datetime(2024, 7, 1),
    "2024-07-31": datetime(2024, 7, 31),
    " 2024-07-31 ": datetime(2024, 7, 31),
    "2024-7-31": datetime(2024, 7, 31),
    "31.07.2024": datetime(2024, 7, 31),
    "2024/07/31": datetime(2024, 7, 31),
    "Jul 2024": datetime(2024, 7, 1),
    "2024.5": datetime(2024, 5, 1),
    "2024-07-31  18:00": datetime(2024, 7, 31, 18),
    "2024-07-31\n18:00": datetime(2024, 7, 31, 18),
    "2024-07-31T18": datetime(2024, 7, 31, 18),
    "2024-07-31 18": datetime(2024, 7, 31, 18),
    "2024-07-31T18:00": datetime(2024, 7, 31, 18),
    "2024-07-31 18:00": datetime(2024, 7, 31, 18),
    "2024-07-31t18:00:00": datetime(2024, 7, 31, 18),
    "2024-07-31 18:00:00.000": datetime(2024, 7, 31, 18),
    "2024-07-31T18:00:00,5": datetime(2024, 7, 31, 18, 0, 0, 500_000),
    "2024-07-31T18:00:00.999999999": datetime(2024, 7, 31, 18, 0, 0, 999_999),
    "2024-07-31T18:00:01.0": datetime(2024, 7, 31, 18, 0, 1),
}
REFUSED = [
    "2024-W01-1", "2024-W01", "2024W011", "2024-001", "2024001", "20240731", "202407", "24-07-31",
    "2024-07-31T", "2024-07-31T18:", "2024-07-31T18:0", "2024-07-31T1800", "2024-07T18",
    "2024T18", "2024-07-31.5", "2024-07-31T18.5", "2024-07-31T18:00.5",
    "2024-07-31T18:00Z", "2024-07-31T18:00:00+02:00", "2024-07-31T18:00:00-02", "2024-07-31T24:00",
    "2024-07-31T18:60", "2024-07-31T18:00:60", "2024-02-30", "2023-02-29", "2024-13", "2024-00", "0000",
    "2024-07-31_18:00", "yesterday", "-2024",
    "\N{ARABIC-INDIC DIGIT TWO}024", "\N{FULLWIDTH DIGIT TWO}024-07", "1721\N{EN DASH}07", "9" * 10_000,
]  # fmt: skip


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, encoder: Encoder) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("dates")
    (folder / "photos").mkdir()
    for number, moment in enumerate(TAKEN):
        taken_photo(picture("fish", number), folder / "photos" / f"{number}.jpg", moment, "Pixel 8")
    run(folder / "index", [folder / "photos"], encoder, Silent())
    gallery = Gallery(folder / "index", encoder, SKETCH_CAPS)
    with listening(gallery) as address:
        yield address
    gallery.published.close()


@pytest.mark.parametrize("said", MEANT)
def test_what_is_taken_is_compared_right(url: str, said: str) -> None:
    for name, right in (
        ("after", {moment for moment in TAKEN if moment >= MEANT[said]}),
        ("before", {moment for moment in TAKEN if moment < MEANT[said]}),
    ):
        for answer in (
            httpx.get(f"{url}/search", params={"text": "a fish", "k": 100, name: said}),
            httpx.post(f"{url}/search", files={"text": (None, "a fish"), name: (None, said)}),
        ):
            found = {datetime.fromisoformat(one["taken"]) for one in answer.json()["results"]}
            assert found == right, name


@pytest.mark.parametrize("said", REFUSED, ids=lambda said: ascii(said[:30]))
def test_all_else_is_refused_by_name(url: str, said: str) -> None:
    for name in ("after", "before"):
        told = problem(
            httpx.get(f"{url}/search", params={"text": "a fish", name: said}), 422, "invalid_request"
        )
        assert told.startswith(f"{name}: ")
        assert (
            "write 2024, 2024-07, 2024-07-31, 31.07.2024, Jul 2024, or 2024-07-31T18:00 (no time zone)"
            in told
        )


def test_a_date_that_can_be_read_in_two_ways_is_refused(url: str) -> None:
    told = problem(
        httpx.get(f"{url}/search", params={"text": "a fish", "after": "07/08/2024"}), 422, "invalid_request"
    )
    assert told == "after: dates with slashes can be read in two ways; write 2024-07-08 or 2024-08-07"
