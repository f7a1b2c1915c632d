"""What a request can fail with: a stable code and one line that says what to do. Knows nothing of HTTP libraries."""

from collections.abc import Mapping

from service.codes import CODES

TOO_LARGE = "the request is too large; send a smaller picture"


class ServiceError(Exception):
    """An answer that is not a result; `code` is one of `CODES`, which also knows its status."""

    def __init__(self, code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = CODES[code].status
        self.code, self.detail, self.headers = code, detail, headers


# Made anew each time: an exception that is raised keeps the frames that it passed.
def wrong_host() -> ServiceError:
    detail = "this service does not answer under that name; see SKETCHSEEK_ALLOWED_HOSTS"
    return ServiceError("misdirected_request", detail)


def too_large() -> ServiceError:
    return ServiceError("content_too_large", TOO_LARGE, {"connection": "close"})


def overdone(what: str) -> ServiceError:
    return ServiceError("bad_request", f"the request has {what}; send fewer", {"connection": "close"})


def client_gone() -> ServiceError:
    """Nobody reads it; the log and the figures do."""
    return ServiceError("client_gone", "the caller hung up before the answer was there")


def busy(detail: str) -> ServiceError:
    return ServiceError("busy", detail, {"retry-after": "1"})


def crowded() -> ServiceError:
    detail = "too many connections at once; ask again in a moment"
    return ServiceError("busy", detail, {"retry-after": "1", "connection": "close"})


def stopping() -> ServiceError:
    detail = "the service is shutting down; ask again in a moment"
    return ServiceError("busy", detail, {"retry-after": "1", "connection": "close"})


def too_late() -> ServiceError:
    return ServiceError("deadline", "the search took too long; ask again when there is less to do")


def no_memory() -> ServiceError:
    return ServiceError("no_memory", "there is not enough memory for this now", {"retry-after": "5"})


def index_damaged() -> ServiceError:
    detail = (
        "the index was damaged on disk; run sketchseek index again, or restore its files: they are looked at "
        "every few seconds"
    )
    return ServiceError("index_damaged", detail, {"retry-after": "5"})


def unencodable() -> ServiceError:
    return ServiceError("encoding_failed", "the model cannot encode this; the server's log says why")
