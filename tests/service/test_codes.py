"""Titles of errors: the same whatever the version of Python, whose names of statuses changed in 3.13."""

import json
import re

import httpx

from service.codes import CODES, title
from tests.kit import TOP
from tests.kit.service.servers import LiveServer

NAMES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    409: "Conflict",
    410: "Gone",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    416: "Range Not Satisfiable",
    421: "Misdirected Request",
    422: "Unprocessable Content",
    499: "Client Closed Request",
    500: "Internal Server Error",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    507: "Insufficient Storage",
}


def test_each_status_has_the_title_of_the_standard() -> None:
    for status in {code.status for code in CODES.values()}:
        assert title(status) == NAMES[status]


def test_an_answer_has_the_title_that_the_docs_show(live_server: LiveServer) -> None:
    shown = re.search(
        r'\{\n "type": "about:blank",.*?\n\}', (TOP / "docs/api.md").read_text("utf-8"), re.DOTALL
    )
    assert shown
    example = json.loads(shown[0])
    answer = httpx.get(f"{live_server.url}/search").json()
    assert (answer["title"], answer["status"]) == (example["title"], example["status"])
    document = httpx.get(f"{live_server.url}/openapi.json").text
    assert "Unprocessable Content" in document
    assert "Unprocessable Entity" not in document
