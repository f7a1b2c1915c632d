"""Request errors: a stable code and one line that says what to do. Independent of HTTP libraries."""

from collections.abc import Mapping
from typing import Any

from service.codes import CODES

TOO_LARGE = "the request is too large; send a smaller picture"


class ServiceError(Exception):
    """A request that failed. `code` is one of `CODES`, which maps it to a status."""

    def __init__(self, code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = CODES[code].status
        self.code, self.detail, self.headers = code, detail, headers


# Functions, not constants: a raised exception keeps the frames it passed through.
def wrong_host() -> ServiceError:
    detail = "this service does not answer to that host name; add it to SKETCHSEEK_ALLOWED_HOSTS"
    return ServiceError("misdirected_request", detail)


def too_large() -> ServiceError:
    return ServiceError("content_too_large", TOO_LARGE, {"connection": "close"})


def overdone(what: str) -> ServiceError:
    return ServiceError("bad_request", f"the request has {what}; send fewer", {"connection": "close"})


def client_gone() -> ServiceError:
    """For the log and the metrics: the client never sees it."""
    return ServiceError("client_gone", "the client disconnected before the answer was ready")


def busy(detail: str) -> ServiceError:
    return ServiceError("busy", detail, {"retry-after": "1"})


def crowded() -> ServiceError:
    detail = "too many connections; try again in a moment"
    return ServiceError("busy", detail, {"retry-after": "1", "connection": "close"})


def stopping() -> ServiceError:
    detail = "the service is shutting down; try again in a moment"
    return ServiceError("busy", detail, {"retry-after": "1", "connection": "close"})


def too_late() -> ServiceError:
    return ServiceError("deadline", "the search took too long; try again when the service is less busy")


def no_memory() -> ServiceError:
    return ServiceError(
        "no_memory", "not enough memory right now; try again in a moment", {"retry-after": "5"}
    )


def index_damaged() -> ServiceError:
    detail = (
        "the index was damaged on disk; run sketchseek index again, or restore its files: the service checks "
        "them every few seconds"
    )
    return ServiceError("index_damaged", detail, {"retry-after": "5"})


def store_unavailable(detail: str) -> ServiceError:
    return ServiceError("store_unavailable", detail, {"retry-after": "2"})


def unencodable() -> ServiceError:
    return ServiceError("encoding_failed", "the model cannot encode this; see the service's log")


# What validators say of a value, for people.
_SAID = {
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le:g}",
    "string_too_long": "is too long; use at most {max_length} characters",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_parsing": "must be true or false",
    "extra_forbidden": "is not a parameter; see /openapi.json",
    "missing": "is missing",
}


def plainly(error: Mapping[str, Any]) -> str:
    """What is wrong with a value, of an error as pydantic lists it."""
    said = _SAID.get(error["type"])
    return said.format(**error.get("ctx", {})) if said else str(error["msg"]).removeprefix("Value error, ")
