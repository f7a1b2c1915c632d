"""A viewer with something to look at: large photos in every size, their details and near-duplicates, and fingers."""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from PIL import Image

from tests.kit.service.desk import SEARCH, Desk, expect

if TYPE_CHECKING:
    from playwright.sync_api import Route

Answer = Callable[["Route"], None]
WIDTH, HEIGHT = 4000, 3000
SIDES = {"small": 320, "medium": 640, "large": 1280}
ORIGINAL = re.compile(r"/photos/[0-9a-f]{16}$")
MARK = re.compile(r"/photos/[0-9a-f]{16}/(favourite|hidden)$")
DETAILS: dict[str, Any] = {
    "folder": "2024/Italy",
    "file": "IMG_4210.jpg",
    "bytes": 5_412_345,
    "modified": "2024-07-13T10:00:00",
    "taken": "2024-07-12T18:30:12",
    "camera": "Canon EOS R6",
    "lens": "RF 24-105mm F4 L IS USM",
    "exposure": "1/250 s",
    "aperture": "f/2.8",
    "iso": 200,
    "focal": "35 mm",
    "latitude": 43.7696,
    "longitude": 11.2558,
    "location": "/home/anna/Pictures/2024/Italy/IMG_4210.jpg",
}


@functools.cache
def _picture(width: int, height: int, form: str) -> bytes:
    """Half dark and half light, so that a part of it can be told from another."""
    picture = Image.new("RGB", (width, height), (40, 60, 50))
    picture.paste((230, 220, 200), (width // 2, 0, width, height))
    held = io.BytesIO()
    picture.save(held, form)
    return held.getvalue()


def large_photos(ending: str = ".jpg", **fields: Any) -> Answer:
    """A real answer whose photos are large files of a kind; `fields` are added to each."""

    def answer(route: Route) -> None:
        response = route.fetch()
        body = response.json()
        for photo in body["results"]:
            path = photo["path"].rsplit(".", 1)[0] + ending
            photo |= {"path": path, "width": WIDTH, "height": HEIGHT, "colour": "#283c32", "favourite": False}
            photo |= fields
        route.fulfill(response=response, json=body)

    return answer


def _thumbnail(route: Route) -> None:
    side = SIDES[parse_qs(urlsplit(route.request.url).query).get("size", ["small"])[0]]
    route.fulfill(body=_picture(side, side * HEIGHT // WIDTH, "webp"), content_type="image/webp")


def _original(route: Route) -> None:
    route.fulfill(body=_picture(WIDTH, HEIGHT, "jpeg"), content_type="image/jpeg")


def _mark(route: Route) -> None:
    mark, done = route.request.url.rsplit("/", 1)[-1], route.request.method == "PUT"
    route.fulfill(json={"favourite": done and mark == "favourite", "hidden": done and mark == "hidden"})


def large(**fields: Any) -> dict[Any, Answer]:
    """Routes that make every photo a large one, with details and marks."""
    return {
        SEARCH: large_photos(**fields),
        "**/thumbnail*": _thumbnail,
        ORIGINAL: _original,
        MARK: _mark,
        "**/photos/*/details": lambda route: route.fulfill(json=DETAILS),
    }


def opened(open_page: Callable[..., Desk], *, nth: int = 0, fields: Any = None, **options: Any) -> Desk:
    """A page with the viewer open."""
    routes = large(**(fields or {})) | options.pop("routes", {})
    desk = open_page(**{"routes": routes, "reduced_motion": "reduce", **options})
    with desk.answered():
        desk.page.locator("#text").fill("house")
    desk.page.locator("#results .tile").nth(nth).click()
    expect(desk.page.locator("#viewer .photo")).to_be_visible()
    return desk


def copies_of(desk: Desk) -> list[dict[str, Any]]:
    """The first three photos found, as if they were near-duplicates: two of full size, and a smaller one."""
    thumbnails = desk.page.locator("#results .tile img").evaluate_all(
        "(all) => all.slice(0, 3).map((it) => it.src)"
    )
    found = []
    for nth, (thumbnail, width) in enumerate(zip(thumbnails, (WIDTH, WIDTH, 1600), strict=True)):
        url = thumbnail.split("/thumbnail")[0]
        photo = {
            "id": url.rsplit("/", 1)[1],
            "path": f"2024/copy {nth}.jpg",
            "url": url,
            "thumbnail_url": thumbnail,
        }
        sizes = {"width": width, "height": width * HEIGHT // WIDTH}
        found.append(photo | sizes | {"taken": None, "camera": None, "colour": None, "favourite": False})
    return found


def near_duplicates(desk: Desk) -> Answer:
    photos = copies_of(desk)
    return lambda route: route.fulfill(json={"photos": photos})


def frame(desk: Desk) -> dict[str, float]:
    """Where the photo is on the screen."""
    box: dict[str, float] = desk.page.evaluate(
        """() => { const { left, top, right, bottom, width, height } =
            document.querySelector("#viewer .frame").getBoundingClientRect();
            return { left, top, right, bottom, width, height }; }"""
    )
    return box


def sharp(desk: Desk, side: int) -> None:
    """Waits until the picture on the screen has so many pixels across."""
    desk.page.wait_for_function(
        "(side) => document.querySelector('#viewer .photo').naturalWidth === side", arg=side
    )


def finger(desk: Desk, kind: str, *points: tuple[float, float]) -> None:
    places = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]
    desk.devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})


def swipe(desk: Desk, start: tuple[float, float], end: tuple[float, float]) -> None:
    finger(desk, "touchStart", start)
    for step in range(1, 6):
        finger(
            desk,
            "touchMove",
            (start[0] + (end[0] - start[0]) * step / 5, start[1] + (end[1] - start[1]) * step / 5),
        )
    finger(desk, "touchEnd")
