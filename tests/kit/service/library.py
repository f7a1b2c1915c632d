"""A library of any size that exists only in its answers: what the page asks of a server, as routes for a browser."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import Route

SHAPES = [(4032, 3024)] * 6 + [(3000, 2000)] * 4 + [(3024, 4032)] * 3
SHAPES += [(4000, 2250), (2000, 2000), (6000, 2000), (2000, 3000), (500, 400)]
COLOURS = ["#6b7f54", "#86755a", "#5a6f86", "#a08c6c", "#444a52", "#b0a79a"]


def months(photos: int, first: int = 2024, each: int = 400) -> dict[str, int]:
    """So many photos, in months from July of the year `first` backwards, some of them nearly empty."""
    found: dict[str, int] = {}
    number, month = first * 12 + 6, 0
    while photos > 0:
        size = min(photos, max(1, zlib.crc32(b"%d" % month) % (2 * each)))
        found[f"{number // 12}-{number % 12 + 1:02}"] = size
        photos, number, month = photos - size, number - 1, month + 1
    return found


@dataclass
class FakeLibrary:
    """Photos in months, newest first; `marks` are ids of favourites and hidden ones."""

    months: dict[str, int]
    picture: Callable[[Any, str], tuple[bytes, str]] | None = None  # (photo, size) -> (bytes, type)
    favourites: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    refuses: bool = False

    def photo(self, month: str, number: int) -> dict[str, Any]:
        name = zlib.crc32(f"{month} {number}".encode())
        width, height = SHAPES[name % len(SHAPES)]
        identity = f"{name:08x}{zlib.crc32(month.encode()) % 2**16:04x}{number % 2**16:04x}"
        return {
            "id": identity,
            "path": f"{month or 'undated'}/{number:05}.jpg",
            "url": f"photos/{identity}",
            "thumbnail_url": f"photos/{identity}/thumbnail?v=1&w={width}&h={height}",
            "width": width,
            "height": height,
            "taken": f"{month}-15T12:00:00" if month else None,
            "camera": None,
            "colour": COLOURS[name % len(COLOURS)],
            "favourite": identity in self.favourites,
        }

    def routes(self) -> dict[str, Callable[[Route], None]]:
        return {
            "**/timeline?*": self._timeline,
            "**/photos?*": self._photos,
            "**/facets": self._facets,
            "**/photos/*/thumbnail?*": self._thumbnail,
            "**/photos/*/favourite": self._mark(self.favourites),
            "**/photos/*/hidden": self._mark(self.hidden),
            "**/admin/library": self._admin,
        }

    def all(self, filters: dict[str, str]) -> Iterator[dict[str, Any]]:
        for month, number in self.months.items():
            yield from self._of(month, number, filters)

    def _of(self, month: str, number: int, filters: dict[str, str]) -> list[dict[str, Any]]:
        folder = filters.get("folder", "")
        day = f"{month}-15"
        outside = day < filters.get("after", "") or day >= filters.get("before", "9")
        if outside or not month.startswith(folder):
            return []
        if not self.hidden and not filters.get("favourites") and not filters.get("hidden"):
            return [self.photo(month, n) for n in range(number)]
        photos = [self.photo(month, n) for n in range(number)]
        shown = [one for one in photos if (one["id"] in self.hidden) == bool(filters.get("hidden"))]
        return [one for one in shown if one["favourite"] or not filters.get("favourites")]

    def _filters(self, route: Route) -> dict[str, str]:
        self.asked.append(route.request.url)
        return dict(parse_qsl(urlsplit(route.request.url).query))

    def _timeline(self, route: Route) -> None:
        filters = self._filters(route)
        if filters or self.hidden:
            counts = {month: len(self._of(month, number, filters)) for month, number in self.months.items()}
        else:
            counts = self.months
        found = [{"month": month, "photos": number} for month, number in counts.items() if number]
        route.fulfill(json={"total": sum(counts.values()), "generation": 1, "months": found})

    def _photos(self, route: Route) -> None:
        filters = self._filters(route)
        month, offset, k = filters.pop("month", ""), int(filters["offset"]), int(filters["k"])
        assert k <= 500
        end = offset + k
        if self.hidden or len(filters) > 2:
            photos = self._of(month, self.months[month], filters)[offset:end]
        else:
            photos = [self.photo(month, n) for n in range(offset, min(end, self.months[month]))]
        route.fulfill(json={"photos": photos, "total": sum(self.months.values()), "generation": 1})

    def _facets(self, route: Route) -> None:
        years: dict[str, int] = {}
        for month, number in self.months.items():
            years[month[:4]] = years.get(month[:4], 0) + number
        folders = [{"path": month, "photos": number} for month, number in self.months.items()]
        found = {"folders": folders[:500], "cameras": [{"name": "Canon EOS R6", "photos": 7}]}
        marks = {"favourites": len(self.favourites), "hidden": len(self.hidden)}
        all_years = [{"year": year, "photos": number} for year, number in years.items()]
        route.fulfill(json={**found, **marks, "years": all_years})

    def _thumbnail(self, route: Route) -> None:
        asked = dict(parse_qsl(urlsplit(route.request.url).query))
        width, height = int(asked.get("w", 4)), int(asked.get("h", 3))
        side = {"medium": 640, "large": 1280}.get(asked.get("size", ""), 320)
        scale = min(1, side / max(width, height))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        if self.picture:
            body, kind = self.picture(route.request.url, size)
        else:
            name = zlib.crc32(urlsplit(route.request.url).path.encode())
            hue = name % 360
            body = (
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{size[0]}" height="{size[1]}" viewBox="0 0 9 9" '
                f'preserveAspectRatio="none"><rect width="9" height="9" fill="hsl({hue} 30% 60%)"/>'
                f'<path d="M0 9V6l3-3 3 3 2-2 1 1v4" fill="hsl({hue} 40% 30%)"/></svg>'
            ).encode()
            kind = "image/svg+xml"
        route.fulfill(body=body, content_type=kind)

    def _mark(self, marked: set[str]) -> Callable[[Route], None]:
        def answer(route: Route) -> None:
            identity = route.request.url.split("/")[-2]
            if self.refuses:
                route.fulfill(status=403, json={"title": "Forbidden", "status": 403, "code": "admins_only"})
                return
            (marked.add if route.request.method == "PUT" else marked.discard)(identity)
            route.fulfill(json={"favourite": identity in self.favourites, "hidden": identity in self.hidden})

        return answer

    def _admin(self, route: Route) -> None:
        route.fulfill(status=403 if self.refuses else 200, body=json.dumps({"state": "idle"}))
