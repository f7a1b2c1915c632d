"""Change the rows of a live table in one transaction: others see all of it at once, or nothing."""

from collections.abc import Sequence

from indexer.remote.database import Batch, Layout
from indexer.remote.lately import in_chunks
from indexer.remote.postgres import schema
from indexer.remote.postgres.server import Session
from indexer.remote.postgres.writing import copy_rows
from indexer.stores import OnStep

# Where rows arrive before they replace others.
_ARRIVING = "arriving"


class PostgresChanger:
    """See `indexer.remote.database.Changer`. Whoever made it ends the transaction."""

    def __init__(self, session: Session, name: str, layout: Layout) -> None:
        self._session, self._name, self._layout = session, name, layout
        session.execute(f"CREATE TEMPORARY TABLE {_ARRIVING} (LIKE {name}) ON COMMIT DROP")

    def put(self, batch: Batch) -> None:
        session, columns = self._session, ", ".join(schema.columns(self._layout))
        copy_rows(session, _ARRIVING, self._layout, batch, "FORMAT binary")
        self._remove(batch.columns["id"])
        session.execute(f"INSERT INTO {self._name} ({columns}) SELECT {columns} FROM {_ARRIVING}")  # noqa: S608
        session.execute(f"TRUNCATE {_ARRIVING}")

    def delete(self, ids: Sequence[int]) -> None:
        self._remove(ids)

    def finish(self, on_step: OnStep) -> None:
        self._session.execute(f"ANALYZE {self._name}")

    def _remove(self, ids: Sequence[int]) -> None:
        for some in in_chunks(ids):
            self._session.execute(f"DELETE FROM {self._name} WHERE id = ANY (%s)", [list(some)])  # noqa: S608
