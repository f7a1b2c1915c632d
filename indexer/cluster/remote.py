"""What runs on the nodes of a Ray cluster. Ray copies this module there, even to a node without sketchseek, which then
says so: therefore nothing of ours is imported before a function runs.
"""

import importlib.metadata
import os
import socket
import time
from pathlib import Path
from typing import Any


def lacking(needs: dict[str, Any]) -> str | None:
    """What this node lacks to embed parts; None if it lacks nothing."""
    ours = needs["version"]
    try:
        theirs = importlib.metadata.version("sketchseek")
        from model.card import Checkpoint
        from model.errors import SketchseekError
    except ImportError:
        return f"sketchseek is not installed there; install sketchseek {ours}"
    if theirs != ours:
        return f"it has sketchseek {theirs}, this machine {ours}; install the same version everywhere"
    for photos in needs["photos"]:
        # The mount point of a drive that is not mounted is an empty folder.
        if not Path(photos).is_dir() or not any(Path(photos).iterdir()):
            return f"it has no photos in {photos}; mount them under the same path on all nodes"
    token = Path(needs["token"])
    if not token.exists():
        return f"it does not see {token.parent}; keep the parts on storage that all nodes share, see --parts-folder"
    if not os.access(token.parent, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        return f"it may not write to {token.parent}; let the user that runs Ray there write to it"
    try:
        Checkpoint.find(needs["model"])
    except SketchseekError as error:
        return str(error)
    return None


def check(needs: dict[str, Any]) -> str | None:
    why = lacking(needs)
    return None if why is None else f"{socket.gethostname()}: {why}"


def embed(needs: dict[str, Any], part: int, arguments: list[str], board: Any) -> dict[str, Any]:
    """Embed a part, and return how that ended, as JSON takes it, and on which node."""
    import ray

    node = ray.get_runtime_context().get_node_id()
    if (why := check(needs)) is not None:
        nothing = {"photos": 0, "done": 0, "skipped": 0}
        outcome = {"status": None, "said": [why], "report": None, "skipped": [], "news": nothing}
        return {"node": node, "outcome": outcome}
    from dataclasses import asdict

    from indexer.cluster import child

    outcome = asdict(child.embed(arguments, lambda news: board.tell.remote(part, asdict(news))))
    return {"node": node, "outcome": outcome}


class Board:
    """An actor that knows how far each part is."""

    def __init__(self) -> None:
        self._told: dict[int, tuple[float, dict[str, int]]] = {}

    def tell(self, part: int, news: dict[str, int]) -> None:
        self._told[part] = (time.monotonic(), news)

    def told(self, since: float) -> dict[int, dict[str, int]]:
        """The news of the last seconds: parts whose node died tell nothing."""
        now = time.monotonic()
        return {part: news for part, (at, news) in self._told.items() if now - at <= since}
