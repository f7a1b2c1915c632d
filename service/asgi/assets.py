"""The files of the page, compressed once and then kept in memory: a first visit transfers a third of their size."""

import gzip
import os
from collections.abc import Callable
from functools import cached_property, lru_cache
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

_TEXT = frozenset({".css", ".html", ".js", ".json", ".svg"})
_MANY = 256  # more files than the page has


class Assets(StaticFiles):
    """Sends text compressed to browsers that accept it."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        plain = super().file_response(full_path, stat_result, scope, status_code)
        if Path(full_path).suffix not in _TEXT:
            return plain
        plain.headers["vary"] = "accept-encoding"
        # Weak: the bytes depend on the encoding.
        plain.headers["etag"] = f"W/{plain.headers['etag']}"
        if not isinstance(plain, FileResponse) or not accepts_gzip(Headers(scope=scope)):
            return plain
        body = _compressed(os.fspath(full_path), stat_result.st_mtime_ns)
        kept = {name: value for name, value in plain.headers.items() if name != "content-length"}
        return Response(body, status_code, {**kept, "content-encoding": "gzip"})


class Html:
    """A page that stays the same while the service runs, made for the first visit."""

    def __init__(self, make: Callable[[], str]) -> None:
        self._make = make

    @cached_property
    def _plain(self) -> bytes:
        return self._make().encode()

    @cached_property
    def _small(self) -> bytes:
        return gzip.compress(self._plain)

    def response(self, headers: Headers) -> HTMLResponse:
        said = {"cache-control": "no-cache", "vary": "accept-encoding"}
        if accepts_gzip(headers):
            return HTMLResponse(self._small, headers={**said, "content-encoding": "gzip"})
        return HTMLResponse(self._plain, headers=said)


def accepts_gzip(headers: Headers) -> bool:
    """Whether a client can read compressed answers."""
    offers = (part.replace(" ", "").lower() for part in headers.get("accept-encoding", "").split(","))
    return any(
        offer == "gzip" or (offer.startswith("gzip;") and not offer.endswith("q=0")) for offer in offers
    )


@lru_cache(_MANY)
def _compressed(path: str, changed: int) -> bytes:
    """The file's content; `changed` is its time, so that an edited file is read anew."""
    return gzip.compress(Path(path).read_bytes())
