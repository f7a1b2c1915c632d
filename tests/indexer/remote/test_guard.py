"""Calls to a server: one retry where it costs nothing, a circuit that opens and closes, and counters."""

import pytest

from indexer import StoreUnavailable
from indexer.remote.guard import Guard


class Down(Exception):
    """What the client of a server raises."""


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def explained(at_once: bool = False) -> Guard:
    def explain(error: Exception) -> Exception | None:
        return StoreUnavailable("it does not answer", at_once=at_once) if isinstance(error, Down) else None

    return Guard(explain, clock)


clock = Clock()


class Server:
    def __init__(self, *failures: Exception | None) -> None:
        self.failures = list(failures)
        self.asked = 0

    def __call__(self, question: str) -> str:
        self.asked += 1
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        return question


def test_a_connection_that_was_closed_is_tried_once_more() -> None:
    server, guard = Server(Down()), explained(at_once=True)
    assert guard(server, "a") == "a"
    assert (server.asked, guard.traffic.calls, guard.traffic.failures) == (2, 1, 0)
    server = Server(Down(), Down(), Down())
    with pytest.raises(StoreUnavailable):
        guard(server, "a")
    assert server.asked == 2


def test_a_timeout_is_not_doubled() -> None:
    server, guard = Server(Down()), explained()
    with pytest.raises(StoreUnavailable, match="it does not answer"):
        guard(server, "a")
    assert (server.asked, guard.traffic.failures) == (1, 1)


def test_after_some_failures_calls_fail_at_once_until_one_succeeds() -> None:
    guard, server = explained(), Server(*[Down()] * 6)
    for _ in range(5):
        with pytest.raises(StoreUnavailable):
            guard(server, "a")
    assert guard.traffic.open
    with pytest.raises(StoreUnavailable, match="it does not answer"):
        guard(server, "a")
    assert server.asked == 5
    clock.now += 2.0
    with pytest.raises(StoreUnavailable):
        guard(server, "a")
    assert server.asked == 6
    with pytest.raises(StoreUnavailable):
        guard(server, "a")
    assert server.asked == 6
    clock.now += 2.0
    assert guard(server, "a") == "a"
    assert not guard.traffic.open
    assert guard(server, "b") == "b"


def test_other_errors_are_nobody_elses() -> None:
    guard = explained()
    with pytest.raises(KeyError):
        guard(Server(KeyError("a")), "a")
    assert guard.traffic.failures == 0
