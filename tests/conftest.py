"""What the tests share: the shipped model, loaded once, small libraries of photos, jobs over them, and servers."""

from __future__ import annotations

import functools
import os
import shutil
import ssl
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from model import Encoder
from tests.kit.jobs import Job, Machines, index_quickly, remembering, shipped
from tests.kit.shapes import write_library
from tests.kit.standin import InThread, Library, StandIn, write_photo

if TYPE_CHECKING:
    # Whoever asks for no server does not wait for what one is made of.
    from tests.kit.engines.milvus import Milvus, MilvusServer
    from tests.kit.engines.postgres import PostgresServer
    from tests.kit.service.servers import LiveServer


def pytest_configure() -> None:
    """Files of tests lie in memory where there is room: a run syncs dozens of times, for which a disk takes long."""
    memory = Path("/dev/shm")
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 4 * 2**30:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory))
    # Only its own tests want runs that nobody asked for.
    os.environ["SKETCHSEEK_WATCH"] = "false"


@pytest.fixture(scope="session", autouse=True)
def _certificates() -> Iterator[None]:
    """Read once: each HTTP client reads those of the whole world, 50 ms, to speak with a server without any."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", functools.cache(ssl.create_default_context))
        yield


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    return shipped()


@pytest.fixture(scope="session")
def headless_encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    """The shipped model without its local head."""
    from tests.kit.local import without_local

    folder = without_local("lite", tmp_path_factory.mktemp("models") / "headless")
    return Encoder.load(folder, engine="openvino")


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """15 photos of five kinds of thing."""
    return write_library(tmp_path / "photos")


@pytest.fixture
def job(tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> Job:
    """The job with the shipped model, which embeds no picture twice.

    Its decoder processes are for tests/indexer/decoding and for the command.
    """
    monkeypatch.setattr("indexer.jobs.pipeline.Workers", InThread)
    return Job(tmp_path / "index", remembering(encoder))


@pytest.fixture
def index(library: Path, tmp_path: Path, encoder: Encoder) -> Path:
    """An index of the library."""
    index_quickly(tmp_path / "index", library, encoder)
    return tmp_path / "index"


@pytest.fixture
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    """The job with a stand-in for the model and without processes: for tests of files, not of vectors."""
    monkeypatch.setattr("indexer.jobs.pipeline.Workers", InThread)
    return Job(tmp_path / "index", cast(Encoder, StandIn()))


@pytest.fixture
def hundred(tmp_path: Path) -> Path:
    """100 photos in two folders, `few` with 15 of them and `many`."""
    for seed in range(100):
        write_photo(tmp_path / "hundred" / ("few" if seed < 15 else "many") / f"{seed}.png", seed)
    return tmp_path / "hundred"


@pytest.fixture
def machines(tmp_path: Path, quick: Job) -> Machines:
    """Three, for a library of thirty; `quick` for its decoders without processes."""
    library = Library(tmp_path / "photos", 3)
    for number in range(30):
        library.write(f"{'abc'[number % 3]}/{number}.png")
    return Machines(tmp_path, library)


@pytest.fixture(scope="session")
def live_server(tmp_path_factory: pytest.TempPathFactory, encoder: Encoder) -> Iterator[LiveServer]:
    """One server for all tests of a worker that change nothing."""
    from tests.kit.service.servers import serving

    with serving(tmp_path_factory.mktemp("live"), encoder) as server:
        yield server


@pytest.fixture
def own_server(tmp_path: Path, encoder: Encoder) -> Iterator[LiveServer]:
    """A server of the test's own, whose photos and index it may change."""
    from tests.kit.service.servers import serving

    with serving(tmp_path, encoder, refresh_seconds=0.1) as server:
        yield server


@pytest.fixture(scope="session")
def _disk() -> Iterator[Path]:
    """For what is too large for memory."""
    with tempfile.TemporaryDirectory(prefix="sketchseek-tests-", dir="/var/tmp") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def milvus_server(_disk: Path) -> Iterator[Milvus]:
    """One for all tests of a worker, who tell their collections apart by `milvus_address`."""
    from tests.kit.engines.milvus import Milvus, MilvusServer

    if elsewhere := Milvus.elsewhere():
        yield elsewhere
        return
    with MilvusServer(_disk / "milvus") as server:
        yield server.milvus


@pytest.fixture
def milvus_address(milvus_server: Milvus) -> Iterator[str]:
    """An address that is the test's alone; all collections whose names begin like it go when it ends."""
    name = f"t{uuid.uuid4().hex}"
    yield milvus_server.address(name)
    milvus_server.drop(name)


@pytest.fixture
def own_milvus(_disk: Path) -> Iterator[MilvusServer]:
    """A server that the test may kill. Starting it takes seconds."""
    from tests.kit.engines.milvus import MilvusServer

    with tempfile.TemporaryDirectory(dir=_disk) as folder, MilvusServer(Path(folder)) as server:
        yield server


@pytest.fixture
def milvus_lite(tmp_path: Path) -> Iterator[str]:
    """The `uri` of a Milvus in this very process: not the same program, but quick to start."""
    from milvus_lite.server_manager import server_manager_instance

    yield str(tmp_path / "lite.db")
    server_manager_instance.release_server(str(tmp_path / "lite.db"))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One for all tests of a worker, who each have a database of their own by `postgres_address`."""
    from tests.kit.engines.postgres import PostgresServer

    with PostgresServer() as server:
        yield server


@pytest.fixture
def postgres_address(postgres_server: PostgresServer) -> Iterator[str]:
    """An empty database that is the test's alone."""
    name = f"t{uuid.uuid4().hex}"
    postgres_server.create(name)
    yield postgres_server.address(name)
    postgres_server.drop(name)


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A server that the test may kill."""
    from tests.kit.engines.postgres import PostgresServer

    with PostgresServer() as server:
        yield server
