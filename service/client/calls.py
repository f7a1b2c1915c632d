"""The calls: what each one sends, and how to read its answer. Shared by both kinds of client."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from io import BytesIO
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import quote

import httpx
from PIL.Image import Image
from pydantic import BaseModel, ValidationError

from model.errors import BadImage
from service.client.errors import BadAnswer, Unreachable, refusal
from service.client.options import BrowseOptions, Picture, SearchOptions
from service.explaining.schemas import ExplanationInfo
from service.listings import Details, FacetsInfo, Group, Listing, MarkState, Timeline
from service.schemas import Indexing, Info, Ready, Reloaded, SearchResponse

T = TypeVar("T")
Shape = TypeVar("Shape", bound=BaseModel)
Size = Literal["small", "medium", "large"]
PICTURES = ("sketch", "photo")
_FIRST_WAIT = 0.5


@dataclass(frozen=True)
class Download:
    """A file that the service sent."""

    content: bytes
    media_type: str


@dataclass(frozen=True)
class Call(Generic[T]):
    """One request, and how to read its answer. `accepts`: statuses other than 200 that are not errors."""

    method: str
    path: str
    parse: Callable[[httpx.Response], T]
    accepts: tuple[int, ...] = ()
    params: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Any] | None = None
    data: Mapping[str, str] | None = None


class Patience:
    """Retries after a 503: when the service says so, until the time is up."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._wait = _FIRST_WAIT

    def wait(self, answer: httpx.Response) -> float | None:
        """Seconds until the next attempt; None to give up."""
        if answer.status_code != 503:
            return None
        asked = _retry_after(answer.headers.get("retry-after", ""))
        wait = self._wait if asked is None else asked
        self._wait *= 2
        return wait if time.monotonic() + wait < self._end else None


def search(options: SearchOptions) -> Call[SearchResponse]:
    pictures = {name: _upload(name, found) for name in PICTURES if (found := options.get(name)) is not None}
    fields = _fields({name: value for name, value in options.items() if name not in PICTURES})
    parse = _reads(SearchResponse)
    if pictures or "strokes" in fields:
        # As a form, so that words and folders do not appear in access logs; strokes are too long for an address.
        form = {name: (None, value) for name, value in fields.items()}
        return Call("POST", "/search", parse, files={**pictures, **form})
    return Call("GET", "/search", parse, params=fields)


def explain(sketch: Picture, photo_id: str) -> Call[ExplanationInfo]:
    return Call("POST", "/explain", _reads(ExplanationInfo), files=_pair(sketch, photo_id))


def collage(sketch: Picture, photo_id: str) -> Call[Download]:
    return Call("POST", "/explain", _download, files=_pair(sketch, photo_id), params={"picture": "collage"})


def _pair(sketch: Picture, photo_id: str) -> dict[str, Any]:
    return {"sketch": _upload("sketch", sketch), "photo_id": (None, photo_id)}


def photo(photo_id: str) -> Call[Download]:
    return Call("GET", _address(photo_id), _download)


def thumbnail(photo_id: str, size: Size) -> Call[Download]:
    return Call("GET", f"{_address(photo_id)}/thumbnail", _download, params={"size": size})


def timeline(options: BrowseOptions) -> Call[Timeline]:
    return Call("GET", "/timeline", _reads(Timeline), params=_fields(options))


def photos(options: BrowseOptions, month: str | None, offset: int, k: int) -> Call[Listing]:
    page = {"offset": str(offset), "k": str(k)} | ({} if month is None else {"month": month})
    return Call("GET", "/photos", _reads(Listing), params=_fields(options) | page)


def facets() -> Call[FacetsInfo]:
    return Call("GET", "/facets", _reads(FacetsInfo))


def details(photo_id: str) -> Call[Details]:
    return Call("GET", f"{_address(photo_id)}/details", _reads(Details))


def group(photo_id: str) -> Call[Group]:
    return Call("GET", f"{_address(photo_id)}/group", _reads(Group))


def mark(photo_id: str, name: Literal["favourite", "hidden"], value: bool) -> Call[MarkState]:
    return Call("PUT" if value else "DELETE", f"{_address(photo_id)}/{name}", _reads(MarkState))


def download(photo_ids: Iterable[str]) -> Call[Download]:
    return Call("POST", "/download", _download, data={"ids": ",".join(photo_ids)})


def info() -> Call[Info]:
    return Call("GET", "/info", _reads(Info))


def ready() -> Call[Ready]:
    return Call("GET", "/readyz", _reads(Ready), accepts=(503,))


def reload() -> Call[Reloaded]:
    return Call("POST", "/admin/reload", _reads(Reloaded))


def reindex() -> Call[Indexing]:
    return Call("POST", "/admin/reindex", _reads(Indexing), accepts=(202,))


def reindex_status() -> Call[Indexing]:
    return Call("GET", "/admin/reindex", _reads(Indexing))


def result(call: Call[T], answer: httpx.Response) -> T:
    if answer.status_code != 200 and answer.status_code not in call.accepts:
        raise refusal(answer)
    return call.parse(answer)


def connection(url: str, key: str | None, timeout: float) -> dict[str, Any]:
    """The arguments for both kinds of httpx client."""
    if not url.startswith(("http://", "https://")):
        raise Unreachable(f"{url}: not the address of a service; give one such as http://localhost:8000")
    headers = {"user-agent": "sketchseek"} | ({"authorization": f"Bearer {key}"} if key else {})
    try:
        return {"base_url": httpx.URL(url), "headers": httpx.Headers(headers), "timeout": timeout}
    except (httpx.InvalidURL, UnicodeEncodeError):
        raise Unreachable(f"{url}: the address or the key contains invalid characters") from None


def unreachable(url: object, error: httpx.RequestError) -> Unreachable:
    if isinstance(error, httpx.TimeoutException):
        return Unreachable(f"{url}: timed out; try again, or allow more time")
    return Unreachable(f"{url}: {error or type(error).__name__}; is sketchseek serve running there?")


def _reads(shape: type[Shape]) -> Callable[[httpx.Response], Shape]:
    def read(answer: httpx.Response) -> Shape:
        try:
            return shape.model_validate_json(answer.content)
        except ValidationError:
            raise BadAnswer(f"{answer.url}: not a sketchseek service that this version knows") from None

    return read


def _download(answer: httpx.Response) -> Download:
    return Download(answer.content, answer.headers.get("content-type", "application/octet-stream"))


def _upload(name: str, image: object) -> tuple[str, bytes]:
    if isinstance(image, bytes):
        return name, image
    if isinstance(image, str | Path):
        try:
            return Path(image).name, Path(image).read_bytes()
        except OSError as error:
            raise BadImage(f"{image}: {error.strerror}") from None
    if not isinstance(image, Image):
        raise TypeError(f"{name}: give a path, bytes, or a Pillow image, not {type(image).__name__}")
    saved = BytesIO()
    image.save(saved, "PNG")
    return f"{name}.png", saved.getvalue()


def _address(photo_id: str) -> str:
    return f"/photos/{quote(photo_id, safe='')}"


def _fields(options: Mapping[str, object]) -> dict[str, str]:
    return {name: _written(value) for name, value in options.items() if value is not None}


def _written(value: object) -> str:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(timespec="seconds")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _retry_after(said: str) -> float | None:
    if said.isdecimal():
        return float(said)
    try:
        moment = parsedate_to_datetime(said)
    except ValueError:
        return None
    return max(0.0, (moment - datetime.now(UTC)).total_seconds()) if moment.tzinfo else None
