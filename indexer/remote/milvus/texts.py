"""The texts of a generation as rows of a collection, replaced at once although Milvus has no transactions.

Rows are `STAMP/KEY/PIECE`, where the stamp is new each time. At last comes a row `total/NUMBER`, which says the stamp
and how many rows it has. Readers take what the newest total says; only then the rows of before are deleted.
"""

import json
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from pymilvus import MilvusClient

from indexer.errors import IndexProblem
from indexer.remote.milvus.connection import ADMIN_SECONDS
from indexer.remote.milvus.packing import VECTOR
from indexer.remote.milvus.schema import LONGEST_TEXT

# Rows of texts in one message.
_AT_ONCE = 200
_MOST = 16_384
_TRIES, _PAUSE_SECONDS = 5, 0.2
_STRONG, _USUAL = "Strong", "Bounded"


@dataclass(frozen=True)
class _Total:
    number: int
    stamp: str
    rows: int


def write(client: MilvusClient, collection: str, texts: Iterable[tuple[str, str]]) -> None:
    """Replace all texts; the collection is loaded."""
    before, stamp = _newest(client, collection, _STRONG), uuid.uuid4().hex[:16]
    rows = [(f"{stamp}/{key}", text) for key, text in _pieces(texts)]
    for start in range(0, len(rows), _AT_ONCE):
        _insert(client, collection, rows[start : start + _AT_ONCE])
    total = f"total/{before.number + 1 if before else 0:09d}"
    # Last: without it, what was written counts for nothing.
    _insert(client, collection, [(total, json.dumps({"stamp": stamp, "rows": len(rows)}))])
    client.flush(collection, timeout=ADMIN_SECONDS)
    keys = _keys(client, collection, "", "~", _STRONG, ADMIN_SECONDS)
    older = [key for key in keys if key != total and not key.startswith(f"{stamp}/")]
    for start in range(0, len(older), _AT_ONCE):
        where = _one_of(older[start : start + _AT_ONCE])
        client.delete(collection, filter=where, timeout=ADMIN_SECONDS)


def read(client: MilvusClient, collection: str, seconds: float) -> Mapping[str, str]:
    """All texts as they were written last; none if they never were, or not completely."""

    def look() -> Mapping[str, str] | None:
        if (total := _newest(client, collection, _STRONG)) is None:
            return {}
        rows = _rows(client, collection, f"{total.stamp}/", _STRONG, seconds)
        return _joined(rows, total.stamp) if len(rows) == total.rows else None

    return _settled(look) or {}


def read_one(client: MilvusClient, collection: str, key: str, seconds: float) -> str | None:
    """One text, as a node knows it; None if there is none."""

    def look() -> Mapping[str, str] | None:
        if (total := _newest(client, collection, _USUAL, seconds)) is None:
            return {}
        return (
            _joined(_rows(client, collection, f"{total.stamp}/{key}/", _USUAL, seconds), total.stamp) or None
        )

    return (_settled(look) or {}).get(key)


def _settled(look: Callable[[], Mapping[str, str] | None]) -> Mapping[str, str] | None:
    """What it finds; it looks again if the rows were just replaced."""
    for _ in range(_TRIES):
        if (found := look()) is not None:
            return found
        time.sleep(_PAUSE_SECONDS)
    return None


def _newest(
    client: MilvusClient, collection: str, level: str, seconds: float = ADMIN_SECONDS
) -> _Total | None:
    rows = client.query(
        collection,
        filter=_between("total/", "total0"),
        output_fields=["key", "text"],
        consistency_level=level,
        timeout=seconds,
    )
    if not rows:
        return None
    newest = max(rows, key=lambda row: row["key"])
    return _Total(int(newest["key"].rpartition("/")[2]), **json.loads(newest["text"]))


def _rows(client: MilvusClient, collection: str, prefix: str, level: str, seconds: float) -> dict[str, str]:
    """All rows whose keys begin like this, which ends in a slash."""
    found: dict[str, str] = {}
    keys = _keys(client, collection, prefix, f"{prefix[:-1]}0", level, seconds)
    for start in range(0, len(keys), _AT_ONCE):
        rows = client.query(
            collection,
            filter=_one_of(keys[start : start + _AT_ONCE]),
            output_fields=["key", "text"],
            consistency_level=level,
            timeout=seconds,
        )
        found |= {row["key"]: row["text"] for row in rows}
    return found


def _keys(
    client: MilvusClient, collection: str, low: str, high: str, level: str, seconds: float
) -> list[str]:
    """All keys from one up to another."""
    rows = client.query(
        collection,
        filter=_between(low, high),
        output_fields=["key"],
        limit=_MOST,
        consistency_level=level,
        timeout=seconds,
    )
    if len(rows) == _MOST:
        raise IndexProblem(f"{collection}: the library is too large for its texts; make several of it")
    return sorted(row["key"] for row in rows)


def _insert(client: MilvusClient, collection: str, rows: Iterable[tuple[str, str]]) -> None:
    listed = [{"key": key, "text": text, VECTOR: [0.0, 0.0]} for key, text in rows]
    client.insert(collection, listed, timeout=ADMIN_SECONDS)


def _joined(rows: Mapping[str, str], stamp: str) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name in sorted(rows):
        key = name.removeprefix(f"{stamp}/").rpartition("/")[0]
        joined[key] = joined.get(key, "") + rows[name]
    return joined


def _pieces(texts: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for key, text in texts:
        data = text.encode()
        # Cut between letters: the texts are JSON in ASCII.
        for number, start in enumerate(range(0, max(1, len(data)), LONGEST_TEXT)):
            yield f"{key}/{number:06d}", data[start : start + LONGEST_TEXT].decode()


def _between(low: str, high: str) -> str:
    return f'key >= "{low}" and key < "{high}"'


def _one_of(keys: Iterable[str]) -> str:
    listed = ", ".join(f'"{key}"' for key in keys)
    return f"key in [{listed}]"
