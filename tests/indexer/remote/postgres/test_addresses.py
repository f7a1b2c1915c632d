"""Addresses of libraries on PostgreSQL, which commands repeat to their users."""

import pytest

from indexer.address import Address
from indexer.errors import IndexProblem
from indexer.library import shelf
from indexer.remote.postgres.server import OPTIONS


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://host/photos/library",
        "postgresql+tls://me@host:5433/photos/library",
        "postgresql://[::1]:5433/photos/library",
        "postgresql://me@/photos/library?host=/var/run/postgresql",
        "postgresql://a%40b%3Ac@host/data%20base%3F/library?maintenance_work_mem=2GB&host=/a%20b%26c",
    ],
)
def test_an_address_is_said_as_it_was_given(text: str) -> None:
    address = Address.parse(text, OPTIONS)
    assert str(address) == text
    assert Address.parse(str(address), OPTIONS) == address


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("postgresql://me:s3cret@host/photos/library", "it contains a password"),
        ("postgresql://host/library", "it names no database"),
        ("postgresql://host/photos/library?password=s3cret", "unknown option 'password'"),
        ("postgresql://host/photos/library?sslmode=disable", "unknown option 'sslmode'"),
        ("postgresql://host/photos/Library", "cannot be the name of a library"),
        ("postgresql://host/photos/a__b", "cannot be the name of a library"),
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(text: str, words: str) -> None:
    with pytest.raises(IndexProblem, match=words) as refused:
        shelf(text)
    assert "s3cret" not in str(refused.value)


def test_opening_a_shelf_asks_no_server() -> None:
    """A service starts while its server is away."""
    kept_on = shelf("postgresql://no.such.host.invalid/photos/library")
    assert kept_on.named == "--store postgresql://no.such.host.invalid/photos/library"
