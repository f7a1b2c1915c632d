"""The process that speaks with Ray: `python -m indexer.cluster.ray`. Commands come in as lines of JSON, events go out.

It says that it reached the cluster, what that offers, how far the parts are, and how each ended. A task is tried again
for as long as nodes die under it. When its input ends, whatever runs is stopped, which keeps its work.
"""

import json
import os
import queue
import re
import socket
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any, TextIO

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy, NodeLabelSchedulingStrategy, NotIn

from indexer.cluster import remote
from indexer.cluster.child import PATIENCE
from indexer.errors import IndexBusy

# More cores gain a part little: one thread of it takes in all that is decoded. Larger nodes run several parts.
MOST_CPUS = 8
_TICK = 0.5
_REACH, _CHECK, _ASK = 10.0, 60.0, 5.0
# A part that told nothing for so long does not run any more.
_QUIET = 10.0
_NODE = "ray.io/node-id"
_ADDRESS = re.compile(r"(?:ray://)?(?P<host>[^:/\s]+|\[[0-9a-fA-F:.]+\]):(?P<port>[0-9]{1,5})(?:/.*)?")


class Refused(Exception):
    """Why the cluster cannot be used, in one line for the user."""


class Lines:
    """Commands and events. What others print goes to standard error."""

    def __init__(self) -> None:
        self._out: TextIO = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        self.commands: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self.first: dict[str, Any] = json.loads(sys.stdin.readline())
        threading.Thread(target=self._read, daemon=True).start()

    def tell(self, event: str, **values: object) -> None:
        self._out.write(json.dumps({"event": event, **values}) + "\n")
        self._out.flush()

    def _read(self) -> None:
        for line in sys.stdin:
            self.commands.put(json.loads(line))
        self.commands.put(None)


def main() -> None:
    lines = Lines()
    try:
        request = lines.first
        _connect(request["address"])
        lines.tell("reached")
        Cluster(request, lines).serve()
    except Refused as error:
        lines.tell("failed", error=str(error))
    except BrokenPipeError:
        return
    except Exception as error:
        # Whatever it is, the user must hear of it, and all that runs must end.
        lines.tell("failed", error=f"Ray failed: {_first_line(error)}; see ray status")
    finally:
        ray.shutdown()


def _connect(address: str) -> None:
    """Connect to a cluster that runs; never start one."""
    found = _ADDRESS.fullmatch(address)
    if found:
        _reach(address, found["host"].strip("[]"), int(found["port"]))
    elif address != "auto":
        raise Refused(
            f"--ray {address}: give HOST:PORT, ray://HOST:PORT, or auto for the cluster of this machine"
        )
    try:
        ray.init(address=address, logging_level="ERROR", log_to_driver=False)
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        raise Refused(_why(address, error)) from None


def _reach(address: str, host: str, port: int) -> None:
    try:
        with socket.create_connection((host, port), timeout=_REACH):
            return
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error) or "no answer"
        raise Refused(
            f"no Ray cluster answers at {address} ({why}); start one with ray start --head, which prints its address"
        ) from None


def _why(address: str, error: Exception) -> str:
    text = str(error)
    if "ersion mismatch" in text:
        told = re.findall(r"(Ray|Python): ([^\s,]+)", text)
        pairs = " and ".join(f"{name} {number}" for name, number in told[:2])
        ours = f"Ray {ray.__version__} and Python {sys.version.split()[0]}"
        return f"the Ray cluster at {address} runs {pairs}, this machine {ours}; install the same everywhere"
    if "none of these match this node" in text or "Can't find a" in text:
        return (
            f"this machine is no node of the Ray cluster at {address}; run this command on one, or give "
            "ray://HOST:10001, its client server"
        )
    return f"no connection to the Ray cluster at {address}: {_first_line(error)}; check it with ray status"


class Cluster:
    """Runs parts as tasks."""

    def __init__(self, request: dict[str, Any], lines: Lines) -> None:
        self._lines = lines
        self._needs = {name: request[name] for name in ("photos", "token", "model", "version")}
        # By value: a node without sketchseek must be able to say so.
        ray.cloudpickle.register_pickle_by_value(remote)
        nodes = _workers()
        unfit = self._check(nodes)
        if unfit and len(unfit) == len(nodes):
            raise Refused("no node of the Ray cluster can embed: " + "; ".join(dict.fromkeys(unfit.values())))
        self._unfit = list(unfit)
        fit = [node for node in nodes if node["NodeID"] not in unfit]
        smallest = min((int(node["Resources"]["CPU"]) for node in fit), default=MOST_CPUS)
        self._cpus = request["cpus_per_part"] or max(1, min(MOST_CPUS, smallest))
        self._board: Any = ray.remote(remote.Board).options(num_cpus=0, max_restarts=-1).remote()
        self._task: Any = ray.remote(remote.embed)
        self._refs: dict[Any, int] = {}
        # Nodes on which a part failed; others are tried before.
        self._failed: dict[int, list[str]] = {}
        slots = sum(int(node["Resources"]["CPU"]) // self._cpus for node in fit)
        lines.tell(
            "offer", nodes=len(fit), cpus_per_part=self._cpus, slots=slots, unfit=sorted(unfit.values())
        )

    def serve(self) -> None:
        """Do as told, until told to stop."""
        told = 0.0
        while True:
            if not self._heed():
                self._stop()
                return
            self._gather()
            if time.monotonic() - told >= 1:
                self._tell_news()
                told = time.monotonic()

    def _heed(self) -> bool:
        """Take all commands that came in; returns whether to go on."""
        while True:
            try:
                command = self._lines.commands.get(timeout=0 if self._refs else _TICK)
            except queue.Empty:
                return True
            if command is None or "stop" in command:
                return False
            self._start(command["start"], command["arguments"])

    def _start(self, part: int, arguments: Sequence[str]) -> None:
        options: dict[str, Any] = {
            "num_cpus": self._cpus,
            "max_retries": -1,
            "name": f"sketchseek part {part}",
        }
        avoided = self._failed.get(part, [])
        if self._unfit or avoided:
            options["scheduling_strategy"] = NodeLabelSchedulingStrategy(
                {_NODE: NotIn(*self._unfit)} if self._unfit else {},
                soft={_NODE: NotIn(*avoided)} if avoided else {},
            )
        ref = self._task.options(**options).remote(self._needs, part, list(arguments), self._board)
        self._refs[ref] = part

    def _gather(self) -> None:
        if not self._refs:
            return
        ray.wait([*self._refs], timeout=_TICK)
        for ref in ray.wait([*self._refs], num_returns=len(self._refs), timeout=0)[0]:
            part = self._refs.pop(ref)
            outcome, node = _outcome(ref)
            if node and outcome["status"] not in (0, IndexBusy.exit_status):
                self._failed.setdefault(part, []).append(node)
            self._lines.tell("ended", part=part, outcome=outcome)

    def _tell_news(self) -> None:
        try:
            parts = ray.get(self._board.told.remote(_QUIET), timeout=_ASK)
        except ray.exceptions.RayError:
            # It is restarted where its node died.
            return
        started = {*self._refs.values()}
        running = {part: news for part, news in parts.items() if part in started}
        held_up = self._held_up() if self._refs and not running else ""
        self._lines.tell("news", parts=running, held_up=held_up)

    def _held_up(self) -> str:
        """Why nothing runs, if the cluster has no room."""
        fitting = [node for node in _workers() if node["Resources"]["CPU"] >= self._cpus]
        if not fitting:
            return f"no node of the cluster has {self._cpus} CPUs, waiting for one (see --cpus-per-part)"
        if ray.available_resources().get("CPU", 0) < self._cpus:
            return "the cluster has no free CPUs, waiting for some"
        return "starting"

    def _stop(self) -> None:
        for ref in self._refs:
            ray.cancel(ref, force=False)
        if self._refs:
            ray.wait([*self._refs], num_returns=len(self._refs), timeout=PATIENCE + _ASK)
        self._lines.tell("stopped")

    def _check(self, nodes: Sequence[dict[str, Any]]) -> dict[str, str]:
        """Which nodes lack what, by their id."""
        task: Any = ray.remote(remote.check)
        asked = {}
        for node in nodes:
            here = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            asked[task.options(num_cpus=0, scheduling_strategy=here).remote(self._needs)] = node
        found = {}
        answered, _ = ray.wait([*asked], num_returns=len(asked), timeout=_CHECK) if asked else ([], [])
        for ref, node in asked.items():
            name = node["NodeManagerHostname"]
            if ref not in answered:
                ray.cancel(ref, force=True)
                found[node["NodeID"]] = f"{name}: runs no task within {_CHECK:.0f} s"
                continue
            try:
                if (why := ray.get(ref)) is not None:
                    found[node["NodeID"]] = why
            except ray.exceptions.RayError as error:
                found[node["NodeID"]] = f"{name}: {_first_line(error)}"
        return found


def _workers() -> list[dict[str, Any]]:
    """The nodes that are alive and have CPUs to give."""
    return [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) >= 1]


def _outcome(ref: Any) -> tuple[dict[str, Any], str]:
    """How a task ended, and on which node if that is known."""
    try:
        found = ray.get(ref)
    except ray.exceptions.RayError as error:
        nothing = {"photos": 0, "done": 0, "skipped": 0}
        said = [f"Ray: {_first_line(error)}"]
        return {"status": None, "said": said, "report": None, "skipped": [], "news": nothing}, ""
    return found["outcome"], found["node"]


def _first_line(error: Exception) -> str:
    """What went wrong; a traceback from a node says that last."""
    lines = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    found = lines[-1] if "Traceback" in str(error) else lines[0]
    return re.sub(r"\x1b\[[0-9;]*m", "", found).strip().rstrip(".")


if __name__ == "__main__":
    main()
