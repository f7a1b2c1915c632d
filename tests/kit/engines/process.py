"""A server process that the tests own: its ports, its log, its signals, and its end, which is at the latest theirs."""

from __future__ import annotations

import contextlib
import os
import pwd
import random
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.kit.waiting import until

# The kernel kills the servers when the *thread* that started them ends; this one ends with the interpreter.
_KEEPER = ThreadPoolExecutor(1, "keeper-of-engines")
# Below those that the kernel hands out to connections.
_PORTS = range(10_000, 30_000)


class DiedError(AssertionError):
    """The server ended before it was ready."""


class Ports:
    """Free ports, reserved as long as this object lives: a server started again finds them as it left them.

    Each is bound and never listened on. Who then asks to share it (SO_REUSEADDR), as servers do, may listen on it;
    who looks for a free one without asking does not get it, and so no two test processes choose the same.
    """

    def __init__(self, names: Sequence[str], among: range = _PORTS) -> None:
        free = _bound(among)
        self._sockets = {name: next(free) for name in names}

    def __getitem__(self, name: str) -> int:
        return int(self._sockets[name].getsockname()[1])

    def taken(self) -> bool:
        """Whether another program listens on one all the same."""
        for name in self._sockets:
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as candidate:
                candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    candidate.bind(("0.0.0.0", self[name]))
                except OSError:
                    return True
        return False

    def close(self) -> None:
        for each in self._sockets.values():
            each.close()


def _bound(among: range) -> Iterator[socket.socket]:
    for port in random.sample(among, len(among)):
        candidate = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            candidate.bind(("0.0.0.0", port))
        except OSError:
            candidate.close()
            continue
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        yield candidate
    raise AssertionError(f"no free port from {among.start} to {among.stop - 1}")


class Process:
    """A running server, and what it started itself. `user` is whom root lets it run as."""

    def __init__(
        self,
        command: Sequence[str | Path],
        log: Path,
        *,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        user: str | None = None,
    ) -> None:
        self.log = log
        # Last words of an earlier start stay in the log, this start's tail begins after them.
        self._from = log.stat().st_size if log.exists() else 0
        become = user_options(user) if user else []
        with log.open("ab") as output:
            self._process = _KEEPER.submit(
                subprocess.Popen,
                ["setpriv", "--pdeathsig", "KILL", *become, "--", *map(str, command)],
                cwd=folder,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            ).result()
        # Only once setpriv has given way to the server, that dies with us.
        until(lambda: not self.alive or Path(f"/proc/{self.pid}/comm").read_text() != "setpriv\n")

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def send(self, number: signal.Signals) -> None:
        for process in self._family():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)

    def kill(self) -> None:
        family = self._family()
        self.send(signal.SIGKILL)
        self._process.wait()
        until(lambda: all(map(gone, family)))

    def _family(self) -> list[int]:
        """The process first, so that it starts no more of them."""
        family = [self.pid]
        for process in family:
            with contextlib.suppress(OSError):
                family += map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split())
        return family

    def until(self, ready: Callable[[], bool], seconds: float = 120) -> None:
        """Waits, but no longer than the process lives."""

        def ready_or_dead() -> bool:
            return not self.alive or ready()

        try:
            until(ready_or_dead, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; the log ends:\n{self.tail()}") from None
        if not self.alive:
            raise DiedError(f"exit status {self._process.returncode}; the log ends:\n{self.tail()}")

    def tail(self, lines: int = 30) -> str:
        with self.log.open("rb") as log:
            log.seek(self._from)
            return "\n".join(log.read().decode("utf-8", "replace").splitlines()[-lines:])


def user_options(user: str) -> list[str]:
    """What setpriv is told to become this user, for root alone."""
    if os.geteuid() != 0:
        return []
    return ["--reuid", user, "--regid", str(pwd.getpwnam(user).pw_gid), "--clear-groups"]


def gone(process: int) -> bool:
    """Or dead, and only not buried by whoever inherited it."""
    try:
        return ") Z" in Path(f"/proc/{process}/stat").read_text("utf-8")
    except OSError:
        return True
