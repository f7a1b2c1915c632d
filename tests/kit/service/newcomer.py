"""A computer without an index, as the routes under /admin show it to the page; tests say what happens on it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import Route

HOME = "/home/anna"
PICTURES = f"{HOME}/Pictures"
RUN = {"state": "done", "started": "2026-01-02T10:00:00+00:00", "seconds": 9.0, "problems": []}
COUNTS = {"added": 0, "changed": 0, "moved": 0, "removed": 0, "unchanged": 0}


class Newcomer:
    """`folders`: path -> names of the folders in it; `photos`: path -> a count, or why it cannot be added."""

    def __init__(self) -> None:
        self.folders: dict[str, list[str]] = {
            HOME: ["Desktop", "Documents", "Pictures", ".cache"],
            PICTURES: ["2023", "2024", "Italy"],
        }
        self.photos: dict[str, int | str] = {HOME: 2100, PICTURES: 1684}
        self.places = [("Home", HOME), ("Pictures", PICTURES), ("stick", "/media/anna/stick")]
        self.state: dict[str, Any] = {
            "index": f"{HOME}/.local/share/sketchseek/index",
            "configured": False,
            "watching": True,
            "state": "empty",
            "folders": [],
            "progress": None,
            "published": 0,
            "problem": None,
            "last_run": None,
        }
        self.seen: dict[str, Any] = {"health": "ok", "problems": [], "skipped": [], "skipped_total": 0}
        self.asked: list[str] = []
        self.refusals: dict[str, tuple[int, str, str]] = {}

    @property
    def routes(self) -> dict[str, Callable[[Route], None]]:
        return {"**/admin/**": self.admin, "**/readyz": self.readyz, "**/index": self.index}

    def runs(
        self, done: int = 0, photos: int = 0, published: int = 0, what: str = "photos", **more: Any
    ) -> None:
        """A run goes on."""
        rate = {"per_second": 81.4, "seconds_left": (photos - done) / 81.4}
        progress = {"what": what, "done": done, "photos": photos, **rate} if photos else None
        self.state |= {
            "state": "running",
            "progress": progress,
            "published": published,
            "problem": None,
            **more,
        }

    def ends(self, published: int, **more: Any) -> None:
        run = {**COUNTS, **RUN, "added": published, **more}
        self.state |= {"state": "idle", "progress": None, "published": published, "last_run": run}

    def fails(self, problem: str, published: int = 0) -> None:
        run = {**COUNTS, **RUN, "state": "failed", "problems": [problem]}
        self.state |= {
            "state": "failed",
            "progress": None,
            "published": published,
            "problem": problem,
            "last_run": run,
        }
        self.seen |= {"health": "failed", "problems": [problem]}

    def admin(self, route: Route) -> None:
        address, method = urlsplit(route.request.url), route.request.method
        asked = f"{method} {address.path.partition('/admin/')[2]}"
        path = parse_qs(address.query).get("path", [""])[0]
        self.asked.append(f"{asked} {path}".strip())
        refusal = self.refusals.get(asked)
        if refusal is not None:
            return refuse(route, *refusal)
        acts: dict[str, Callable[[], Any]] = {
            "GET library": lambda: self.state,
            "GET folders": lambda: self._listing(path),
            "GET folders/count": lambda: self._count(path),
            "POST library/folders": lambda: self._add(json.loads(route.request.post_data or "{}")["path"]),
            "DELETE library/folders": lambda: self._remove(path),
            "POST pause": lambda: self._become("paused", progress=None),
            "POST resume": lambda: self._become("running"),
            "POST reindex": lambda: self._become("running"),
        }
        answer = acts[asked]()
        return (
            refuse(route, 422, "folder_refused", answer)
            if isinstance(answer, str)
            else route.fulfill(json=answer)
        )

    def readyz(self, route: Route) -> None:
        published = self.state["published"]
        reasons = self.seen["problems"] if published else ["no photos are indexed yet"]
        told = {
            "ready": published > 0,
            "photos": published,
            "generation": self._generation,
            "reasons": reasons,
        }
        route.fulfill(status=200 if published else 503, json=told if published else {**told, "setup": True})

    def index(self, route: Route) -> None:
        state = self.state
        route.fulfill(
            json={
                "photos": state["published"],
                "generation": self._generation,
                "published": "2026-01-02T10:00:00+00:00" if state["published"] else "",
                "running": state["state"] == "running",
                "last_run": state["last_run"],
                "problem": None,
                **self.seen,
            }
        )

    @property
    def _generation(self) -> str:
        return f"{self.state['published']:06}"

    def _listing(self, path: str) -> Any:
        places = [{"name": name, "path": where} for name, where in self.places]
        if not path:
            return {"path": "", "parent": None, "folders": [], "places": places, "problem": None}
        if not path.startswith("/"):
            return "write the full path of a folder, such as /home/me/Pictures"
        if path not in self.folders and path not in self.photos:
            problem: str | None = "there is no such folder; check its path, and whether its drive is mounted"
        else:
            problem = None
        below = [
            {"name": name, "path": f"{path}/{name}", "hidden": name.startswith(".")}
            for name in self.folders.get(path, [])
        ]
        parent = None if path in (HOME, "/media/anna/stick") else path.rpartition("/")[0]
        return {"path": path, "parent": parent, "folders": below, "places": places, "problem": problem}

    def _count(self, path: str) -> Any:
        found = self.photos.get(
            path, "there is no such folder; check its path, and whether its drive is mounted"
        )
        photos, problem = (0, found) if isinstance(found, str) else (found, None)
        return {"photos": photos, "skipped": 3, "complete": photos < 10_000, "problem": problem}

    def _add(self, path: str) -> Any:
        found = self.photos.get(path, 0)
        if isinstance(found, str):
            return found
        folder = {"path": path, "photos": 0, "missing": False}
        self.state |= {"configured": True, "folders": [*self.state["folders"], folder]}
        self.runs(
            0, sum(self._photos(each["path"]) for each in self.state["folders"]), self.state["published"]
        )
        return self.state

    def _photos(self, path: str) -> int:
        found = self.photos.get(path, 0)
        return found if isinstance(found, int) else 0

    def _remove(self, path: str) -> Any:
        self.state["folders"] = [each for each in self.state["folders"] if each["path"] != path]
        return self.state

    def _become(self, state: str, **more: Any) -> Any:
        self.state |= {"state": state, **more}
        return self.state


def refuse(route: Route, status: int, code: str, detail: str) -> None:
    body = json.dumps({"title": "Refused", "status": status, "detail": detail, "code": code})
    route.fulfill(status=status, content_type="application/problem+json", body=body)
