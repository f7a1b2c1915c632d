"""One writer for a library: a row that says who writes, and until when, renewed while it writes.

Milvus has no locks, so this is a convention among indexers: two that start within the same moment may both believe
that they are alone. The second to create the table of the next generation is refused in any case.
"""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from pymilvus import DataType, MilvusClient

from indexer.errors import IndexBusy, IndexProblem
from indexer.remote.milvus.connection import ADMIN_SECONDS, Connection
from indexer.remote.milvus.packing import VECTOR
from indexer.remote.milvus.writing import indexed, loaded

_LASTS_SECONDS, _RENEWED_SECONDS = 60.0, 15.0


@contextmanager
def held(connection: Connection, collection: str, owner: str) -> Iterator[None]:
    """Write as `owner`; raises IndexBusy while somebody else does."""
    with connection.plainly() as client:
        _prepare(client, collection)
        mine = f"{socket.gethostname()} {os.getpid()} {owner}"
        other = _owner(client, collection)
        if other is not None and other != mine:
            raise IndexBusy(
                f"{connection.address}: {other} is writing to this library; wait until it is done"
            )
        _write(client, collection, mine, time.time() + _LASTS_SECONDS)
        if (other := _owner(client, collection)) != mine:
            raise IndexBusy(
                f"{connection.address}: {other} is writing to this library; wait until it is done"
            )
    stop = threading.Event()
    beat = threading.Thread(target=_renew, args=(connection, collection, mine, stop), daemon=True)
    beat.start()
    try:
        yield
    finally:
        stop.set()
        beat.join()
        try:
            with connection.plainly() as client:
                if _owner(client, collection) == mine:
                    _write(client, collection, mine, 0.0)
        except IndexProblem:
            pass  # it runs out by itself


def _renew(connection: Connection, collection: str, mine: str, stop: threading.Event) -> None:
    while not stop.wait(_RENEWED_SECONDS):
        try:
            with connection.plainly() as client:
                _write(client, collection, mine, time.time() + _LASTS_SECONDS)
        except IndexProblem:
            continue  # the publication itself will notice


def _prepare(client: MilvusClient, collection: str) -> None:
    if not client.has_collection(collection, timeout=ADMIN_SECONDS):
        schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("owner", DataType.VARCHAR, max_length=1024)
        schema.add_field("until", DataType.INT64)
        schema.add_field(VECTOR, DataType.FLOAT_VECTOR, dim=2)
        client.create_collection(collection, schema=schema, num_shards=1, timeout=ADMIN_SECONDS)
        indexed(client, collection, "flat", 0)
    loaded(client, collection)


def _owner(client: MilvusClient, collection: str) -> str | None:
    """Who writes now; nobody, if the process has died here or has not renewed its row."""
    rows = client.query(
        collection,
        filter="id == 1",
        output_fields=["owner", "until"],
        consistency_level="Strong",
        timeout=ADMIN_SECONDS,
    )
    if not rows or rows[0]["until"] < time.time():
        return None
    owner = str(rows[0]["owner"])
    host, pid, *_ = owner.split(" ")
    return None if host == socket.gethostname() and not _alive(int(pid)) else owner


def _write(client: MilvusClient, collection: str, owner: str, until: float) -> None:
    row = {"id": 1, "owner": owner, "until": int(until), VECTOR: [0.0, 0.0]}
    client.upsert(collection, [row], timeout=ADMIN_SECONDS)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
