"""A library on a Milvus server: collections for its generations, and aliases as pointers."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

from pymilvus import MilvusClient, MilvusException
from pymilvus.grpc_gen.milvus_pb2 import DescribeAliasRequest

from indexer.address import Access, Address
from indexer.errors import IndexProblem
from indexer.remote.database import CURRENT, HELD, MANIFEST, Built, Layout
from indexer.remote.diagnosis import Step
from indexer.remote.milvus import schema
from indexer.remote.milvus import texts as written
from indexer.remote.milvus.changing import MilvusChanger
from indexer.remote.milvus.connection import ADMIN_SECONDS, Connection, no_alias, no_collection
from indexer.remote.milvus.diagnosis import steps
from indexer.remote.milvus.locking import held
from indexer.remote.milvus.packing import VECTOR
from indexer.remote.milvus.table import MilvusTable
from indexer.remote.milvus.writing import MilvusWriter, indexed, kind_of, loaded
from indexer.values import Traffic


class MilvusDatabase:
    """See `indexer.remote.database.Database`."""

    kind = "milvus"
    index_types: tuple[str, ...] = ("auto", "flat", "hnsw")

    def __init__(self, address: Address, access: Access) -> None:
        self.connection = Connection(address, access)
        self._name = address.name

    def version(self) -> str:
        # Not by the guard: it is what finds out that a server is back.
        with self.connection.plainly() as client:
            return str(client.get_server_version(timeout=self.connection.access.timeout))

    @property
    def traffic(self) -> Traffic:
        return self.connection.guard.traffic

    def generations(self) -> Mapping[str, str]:
        with self.connection.plainly() as client:
            names = client.list_collections(timeout=ADMIN_SECONDS)
            found = sorted(filter(None, map(self._generation, names)))
            return {generation: self._described(client, generation) for generation in found}

    def manifest(self, generation: str) -> str | None:
        """The sealed manifest of one generation."""
        with self.connection.plainly() as client:
            try:
                return self._described(client, generation)
            except MilvusException as error:
                if not no_collection(error):
                    raise
                return None

    def pointer(self, which: str) -> str | None:
        alias = schema.alias_name(self._name, which)
        with self.connection.plainly() as client:
            try:
                collection = self._named(alias)
            except MilvusException as error:
                if not no_alias(error):
                    raise
                self._refuse_collection(client, alias)
                return None
            generation = self._generation(collection)
            if generation is None:
                raise IndexProblem(
                    f"{self.connection.address}: the alias {alias} names {collection}, which is not a generation of "
                    "sketchseek; choose another name for the library"
                )
            return generation

    def point(self, which: str, generation: str | None) -> None:
        alias, before = schema.alias_name(self._name, which), self.pointer(which)
        with self.connection.plainly() as client:
            if generation is None:
                if before is not None:
                    client.drop_alias(alias, timeout=ADMIN_SECONDS)
                return
            change = client.create_alias if before is None else client.alter_alias
            change(schema.table_name(self._name, generation), alias, timeout=ADMIN_SECONDS)

    def create(self, generation: str, layout: Layout, manifest: str) -> MilvusWriter:
        name, version = schema.table_name(self._name, generation), self.version()
        fields = schema.kinds(layout, version)
        with self.connection.plainly() as client:
            client.create_collection(
                name, schema=schema.table_schema(layout, manifest, fields), timeout=ADMIN_SECONDS
            )
            # Loading takes seconds, even with nothing to load; meanwhile the rows are written.
            self._make_room_for_texts(client, generation)
        return MilvusWriter(self.connection, name, layout, fields)

    def kind_of(self, layout: Layout) -> str:
        return kind_of(layout)

    @contextmanager
    def change(self, generation: str, layout: Layout) -> Iterator[MilvusChanger]:
        fields = schema.kinds(layout, self.version())
        yield MilvusChanger(self.connection, schema.table_name(self._name, generation), layout, fields)

    def table(self, generation: str, layout: Layout, built: Built) -> MilvusTable:
        kind = schema.kinds(layout, self.version())[VECTOR]
        return MilvusTable(self.connection, schema.table_name(self._name, generation), built, kind)

    def load(self, generation: str) -> None:
        with self.connection.plainly() as client:
            for name in (
                schema.texts_name(self._name, generation),
                schema.table_name(self._name, generation),
            ):
                loaded(client, name)

    def unload(self, generation: str) -> None:
        with self.connection.plainly() as client:
            client.release_collection(schema.table_name(self._name, generation), timeout=ADMIN_SECONDS)

    def drop(self, generation: str) -> None:
        # Milvus would remove the alias along with the collection.
        if generation in (self.pointer(CURRENT), self.pointer(HELD)):
            raise IndexProblem(f"{self.connection.address}: generation {generation} is in use")
        with self.connection.plainly() as client:
            # Texts first: a table without texts is unfinished.
            for name in (
                schema.texts_name(self._name, generation),
                schema.table_name(self._name, generation),
            ):
                client.drop_collection(name, timeout=ADMIN_SECONDS)

    def write_texts(self, generation: str, texts: Iterable[tuple[str, str]]) -> None:
        with self.connection.plainly() as client:
            name = self._make_room_for_texts(client, generation)
            loaded(client, name)
            written.write(client, name, texts)

    def read_texts(self, generation: str) -> Mapping[str, str]:
        name = schema.texts_name(self._name, generation)
        with self.connection.plainly() as client:
            if not client.has_collection(name, timeout=ADMIN_SECONDS):
                return {}
            return written.read(client, name, max(ADMIN_SECONDS, self.connection.access.timeout))

    def read_text(self, generation: str, key: str) -> str | None:
        name, seconds = schema.texts_name(self._name, generation), self.connection.access.timeout
        with self.connection.plainly() as client:
            return written.read_one(client, name, key, seconds)

    def writing(self, owner: str) -> AbstractContextManager[None]:
        return held(self.connection, schema.lock_name(self._name), owner)

    def steps(self) -> Iterator[Step]:
        return steps(self.connection, self)

    def close(self) -> None:
        self.connection.close()

    def _named(self, alias: str) -> str:
        # By pymilvus, Milvus 2.3 would look into the default database, whichever is chosen.
        request = DescribeAliasRequest(alias=alias, db_name=self.connection.database)
        answer = self.connection.directly("DescribeAlias", request, self.connection.access.timeout)
        if answer.status.code:
            raise MilvusException.from_status(answer.status)
        return str(answer.collection)

    def _described(self, client: MilvusClient, generation: str) -> str:
        name = schema.table_name(self._name, generation)
        found = str(client.describe_collection(name, timeout=ADMIN_SECONDS).get("description", ""))
        # Milvus Lite does not keep it.
        return found or self.read_texts(generation).get(MANIFEST, "")

    def _make_room_for_texts(self, client: MilvusClient, generation: str) -> str:
        name = schema.texts_name(self._name, generation)
        if not client.has_collection(name, timeout=ADMIN_SECONDS):
            client.create_collection(name, schema=schema.texts_schema(), num_shards=1, timeout=ADMIN_SECONDS)
            indexed(client, name, "flat", 0)
            client.load_collection(name, timeout=ADMIN_SECONDS, _async=True)
        return name

    def _generation(self, collection: str) -> str | None:
        return schema.generation_of(self._name, collection)

    def _refuse_collection(self, client: MilvusClient, alias: str) -> None:
        """Raise if a collection has the alias's own name, so that it can never be one."""
        if client.has_collection(alias, timeout=ADMIN_SECONDS):
            raise IndexProblem(
                f"{self.connection.address}: the server has a collection of that name, which is not sketchseek's; "
                "choose another name for the library"
            )
