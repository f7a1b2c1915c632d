"""Logs for people or machines, with the id of the request that each line belongs to."""

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

# Most characters of client-supplied text (an address, a forwarded name) in a log line.
LONGEST = 200
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_PATH = re.compile(r"(?<![\w.:/])/(?:[^/:\n]+/)*(?=[^/:\n])")


def sane_id(given: str) -> str:
    """The client's request id, if it is safe to log; else a new one."""
    return given if _SANE.fullmatch(given) else uuid4().hex


def method_of(scope: Mapping[str, Any]) -> str:
    """A standard HTTP method, else `other`: clients can invent any number of them."""
    return scope["method"] if scope["method"] in _METHODS else "other"


def without_paths(text: str) -> str:
    """Shorten absolute paths to their last component, so that the text may leave the machine."""
    return _PATH.sub("", text)


def configure(style: str, level: str) -> None:
    """Send all logs, including uvicorn's, to standard error in one format."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if style == "json" else _Text())
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for noisy in ("uvicorn", "httpx", "asyncio", "PIL", "faiss"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # They warn about every malformed request or form, so any client could flood the log.
    for noisier in ("uvicorn.error", "multipart", "python_multipart"):
        logging.getLogger(noisier).setLevel(logging.ERROR)


class _Text(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(levelname)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        asked = request_id.get()
        return super().format(record) + (f" [{asked}]" if asked else "")


class _Json(logging.Formatter):
    """One object per line: time, level, logger, message, request_id, and whatever `extra={"fields": {...}}` adds."""

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
