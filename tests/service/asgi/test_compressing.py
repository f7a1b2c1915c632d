"""Long JSON answers are compressed for whoever can read that, and nothing else is."""

import gzip

import httpx
import pytest

from tests.kit.service.servers import LiveServer


def sent(url: str, accepts: str) -> httpx.Response:
    """As it travels: httpx would unpack it."""
    with httpx.stream("GET", url, headers={"accept-encoding": accepts}) as answer:
        answer._content = b"".join(answer.iter_raw())
        return answer


def test_long_json_is_compressed(live_server: LiveServer) -> None:
    plain = sent(f"{live_server.url}/photos?k=15", "identity")
    small = sent(f"{live_server.url}/photos?k=15", "gzip, br")
    assert "content-encoding" not in plain.headers
    assert small.headers["content-encoding"] == "gzip"
    assert small.headers["vary"] == "accept-encoding"
    assert int(small.headers["content-length"]) == len(small.content) < len(plain.content) / 3
    assert gzip.decompress(small.content) == plain.content


@pytest.mark.parametrize("address", ["livez", "photos?k=1", "favicon.ico", "metrics"])
def test_short_answers_and_what_is_no_json_stay_as_they_are(live_server: LiveServer, address: str) -> None:
    assert "content-encoding" not in sent(f"{live_server.url}/{address}", "gzip").headers


def test_a_photo_and_its_thumbnail_stay_as_they_are(live_server: LiveServer) -> None:
    one = httpx.get(f"{live_server.url}/photos?k=1").json()["photos"][0]
    for address in (one["url"], one["thumbnail_url"]):
        assert "content-encoding" not in sent(f"{live_server.url}{address}", "gzip").headers


def test_a_client_that_asks_for_none_gets_none(live_server: LiveServer) -> None:
    for accepts in ("", "br", "gzip;q=0"):
        assert "content-encoding" not in sent(f"{live_server.url}/photos?k=15", accepts).headers
