"""The command as users run it: in a process of its own, or in this one where only its words matter."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any
from unittest import mock

import click
import pytest
from click.testing import CliRunner, Result

from service.cli import main
from tests.kit import TOP
from tests.kit.jobs import quickly


def sketchseek(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """As `in_a_process`, but in this one, with its model and without decoder processes: seconds less each time."""
    words = [str(argument) for argument in arguments]
    refusing = _refusing() if words[0] == "serve" else nullcontext()
    with quickly() as patch, refusing:
        patch.chdir(TOP)
        done = CliRunner().invoke(main, words, env=environment)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return subprocess.CompletedProcess(words, done.exit_code, done.stdout, done.stderr)


@contextmanager
def _refusing() -> Iterator[None]:
    """A service that refuses to start changes nothing that belongs to a whole process, and keeps no port."""
    from service.commands import serve

    def serving() -> None:
        raise AssertionError("it serves")

    listen = serve._listen
    with pytest.MonkeyPatch.context() as patch, ExitStack() as listeners, mock.patch.dict(os.environ):
        patch.setattr(serve, "_listen", lambda *given: listeners.enter_context(listen(*given)))
        patch.setattr("service.ops.memory.give_back", lambda: None)
        patch.setattr("service.ops.logging.configure", lambda *_: None)
        patch.setattr("service.ops.starting.importing", nullcontext)
        patch.setattr("service.ops.starting.load_framework", lambda: None)
        patch.setattr("service.ops.signals.leave", serving)
        yield


def in_a_process(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command as users run it, with its exit status and what it prints."""
    return subprocess.run(
        [sys.executable, "-m", "service.cli", *map(str, arguments)],
        cwd=TOP,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, **environment},
    )


def refused(done: subprocess.CompletedProcess[str], part: str) -> None:
    """It failed with one clear line, not with a trace."""
    assert done.returncode != 0
    assert done.stdout == ""
    message = done.stderr.strip()
    assert "Traceback" not in message
    assert part in message
    assert len(message.splitlines()) == 1, message


class Serving:
    """`sketchseek serve` as its own process, on a port that the system chose."""

    def __init__(self, *arguments: object, **environment: str) -> None:
        command = [sys.executable, "-m", "service.cli", "serve", "--port", "0", *map(str, arguments)]
        self.process = subprocess.Popen(
            command,
            cwd=TOP,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        assert self.process.stdout is not None
        self.said = [self.process.stdout.readline() for _ in range(2)]
        found = re.search(r"http://[^ ]+", self.said[1])
        assert found, self.said
        self.url = found[0]

    def stop(self, how: signal.Signals) -> tuple[int, str]:
        self.process.send_signal(how)
        _, errors = self.process.communicate(timeout=60)
        return self.process.returncode, errors


CONTEXT = click.Context(main)


def parse(line: str) -> click.Context:
    """The arguments of `sketchseek` in a line for a shell, as its command reads them; none is run."""
    words = shlex.split(line, comments=True)
    _, name, *arguments = words[words.index("sketchseek") :]
    if ">" in arguments or ">>" in arguments:
        arguments = arguments[: next(i for i, word in enumerate(arguments) if word[0] == ">")]
    command = main.get_command(CONTEXT, name)
    assert command is not None, f"no command {name!r}"
    return command.make_context(name, arguments)


def doctor(*arguments: str, **environment: str) -> Result:
    """In this process, with its model: what it measures is how fast that one remembers."""
    with quickly():
        return CliRunner().invoke(main, ["doctor", *arguments], env=environment)


def wrong(done: Result) -> dict[str, Any]:
    """The one thing that is wrong, of a run with --json."""
    assert done.exit_code == 1, done.output
    found = [finding for finding in json.loads(done.stdout) if finding["state"] == "wrong"]
    assert len(found) == 1, found
    return dict(found[0])
