"""What a caller sends, and what it reads in the answers."""

import io
import re
from typing import Any

import httpx
from PIL import Image

from service.codes import CODES
from tests.kit.pictures import encoded
from tests.kit.shapes import drawing
from tests.kit.waiting import until

PNG = encoded(drawing("fish"), "PNG")


def problem(answer: httpx.Response, status: int, code: str) -> str:
    """Checks that an answer is a problem of that kind, and returns what it says."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert set(body) == {"type", "title", "status", "detail", "code"}
    assert (body["status"], body["code"]) == (status, code)
    assert CODES[code].status == status
    detail: str = body["detail"]
    assert detail
    assert not {"\n", "Traceback"} & {*detail, *detail.split()}
    return detail


def wait_for(client: httpx.Client, check: Any) -> dict[str, Any]:
    """The first /readyz that passes the check."""
    seen: list[dict[str, Any]] = []

    def passes() -> bool:
        seen[:] = [client.get("/readyz").json()]
        return bool(check(seen[0]))

    until(passes, told=seen)
    return seen[0]


def figure(url: str, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", httpx.get(f"{url}/metrics").text, re.MULTILINE)
    assert found, f"{name} is not among the metrics"
    return float(found[1])


def opened(answer: httpx.Response) -> Image.Image:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/webp"
    return Image.open(io.BytesIO(answer.content))
