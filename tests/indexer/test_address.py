"""Addresses of libraries on servers, and how to get in: no password is ever shown."""

from pathlib import Path

import pytest

from indexer import IndexProblem
from indexer.address import Access, Address


def test_the_parts_of_an_address() -> None:
    found = Address.parse("milvus+tls://me@host:1953/photos_2")
    assert (found.scheme, found.user, found.host, found.port, found.name) == (
        "milvus+tls",
        "me",
        "host",
        1953,
        "photos_2",
    )
    assert str(found) == "milvus+tls://me@host:1953/photos_2"
    deep = Address.parse("milvus+lite:///folder/a b/file.db/photos")
    assert (deep.above, deep.name) == ("/folder/a b/file.db", "photos")
    assert Address.parse("milvus://host/base/photos?a=1", frozenset({"a"})).options == {"a": "1"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "milvus://me:secret@host/photos",
            "contains a password; leave it out, and set SKETCHSEEK_STORE_TOKEN",
        ),
        ("milvus://host/", "cannot be the name of a library"),
        ("milvus://host", "cannot be the name of a library"),
        ("milvus://host/Photos", "cannot be the name of a library"),
        ("milvus://host/1st", "cannot be the name of a library"),
        ("milvus://host/a__b", "cannot be the name of a library"),
        ("milvus://host/" + "a" * 41, "cannot be the name of a library"),
        ("milvus://host:port/photos", "the host or port is not valid"),
        ("milvus://host:99999/photos", "the host or port is not valid"),
        ("milvus://host/photos?colour=red", "unknown option 'colour'; known: none"),
    ],
)
def test_addresses_that_are_refused(text: str, why: str) -> None:
    with pytest.raises(IndexProblem) as refused:
        Address.parse(text)
    assert why in str(refused.value)
    assert "secret" not in str(refused.value)


def test_the_token_comes_from_the_environment_or_a_file(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("me:secret\n")
    assert Access.of({"SKETCHSEEK_STORE_TOKEN": "me:secret"}).token == "me:secret"
    assert Access.of({"SKETCHSEEK_STORE_TOKEN_FILE": str(path)}).token == "me:secret"
    assert "secret" not in repr(Access.of({"SKETCHSEEK_STORE_TOKEN": "me:secret"}))
    assert Access.of({}) == Access()


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({"SKETCHSEEK_STORE_TOKEN": "a", "SKETCHSEEK_STORE_TOKEN_FILE": "b"}, "are both set"),
        ({"SKETCHSEEK_STORE_TOKEN_FILE": "/nowhere"}, "cannot be read"),
        ({"SKETCHSEEK_STORE_CA": "/nowhere"}, "is not a file"),
        ({"SKETCHSEEK_STORE_TIMEOUT": "soon"}, "must be a number of seconds"),
        ({"SKETCHSEEK_STORE_TIMEOUT": "nan"}, "must be a number of seconds"),
        ({"SKETCHSEEK_STORE_TIMEOUT": "0"}, "must be a number of seconds"),
    ],
)
def test_what_cannot_be_used_to_get_in(environment: dict[str, str], why: str) -> None:
    with pytest.raises(IndexProblem, match=why):
        Access.of(environment)
