"""Logs for people or for machines, with the id of the request that a line belongs to."""

import json
import logging
import re
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

request_id: ContextVar[str] = ContextVar("request_id", default="")
access = logging.getLogger("sketchseek.access")

# Letters of a caller's own words (an address, a forwarded name) in a line.
LONGEST = 200
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_PATH = re.compile(r"(?<![\w.:/])/(?:[^/:\n]+/)*(?=[^/:\n])")


def sane_id(given: str) -> str:
    """The caller's own request id, if it can stand in a log; else a new one."""
    return given if _SANE.fullmatch(given) else uuid4().hex


def method_of(scope: Mapping[str, Any]) -> str:
    """One of the methods that there are, else `other`: callers may make up as many as they like."""
    return scope["method"] if scope["method"] in _METHODS else "other"


def without_paths(text: str) -> str:
    """Of each absolute path only the last part: what may leave the machine."""
    return _PATH.sub("", text)


def configure(style: str, level: str) -> None:
    """Sends all logs to standard error; the server's own messages come in the same form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if style == "json" else _Text())
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for noisy in ("uvicorn", "httpx", "asyncio", "PIL"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # They warn of every request or form that is not well formed, for anybody who cares to send some.
    for noisier in ("uvicorn.error", "multipart", "python_multipart"):
        logging.getLogger(noisier).setLevel(logging.ERROR)


class _Text(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(levelname)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        asked = request_id.get()
        return super().format(record) + (f" [{asked}]" if asked else "")


class _Json(logging.Formatter):
    """One object a line: time, level, logger, message, request_id, and what `extra={"fields": {...}}` adds."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if asked := request_id.get():
            line["request_id"] = asked
        line.update(getattr(record, "fields", {}))
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line)
