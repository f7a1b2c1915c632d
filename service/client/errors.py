"""The client's errors.

ClientError
├── Unreachable           no answer: wrong address, no service, or a timeout
├── BadAnswer             not an answer of a sketchseek service
└── ApiError              the service refused; it has `status`, `code`, `detail` and `request_id`
    ├── BadRequest        the request itself: not a picture, an unknown field, too large
    ├── NotAllowed        the key is missing, wrong, or not an admin's
    ├── NotFound          no photo has this id
    │   └── Gone          the photo was there once
    ├── Busy              too much to do; retrying for as long as allowed did not help
    └── ServerFailed      an error of the service itself
"""

import httpx
from pydantic import ValidationError

from model.errors import SketchseekError
from service.schemas import Problem


class ClientError(SketchseekError):
    """A service could not be reached, or returned an error."""


class Unreachable(ClientError):
    """No answer came."""


class BadAnswer(ClientError):
    """The answer is not from a sketchseek service, or from another version of it."""


class ApiError(ClientError):
    """The service returned an error. `code` is stable, so programs can rely on it.

    https://github.com/sketchseek/sketchseek/blob/main/docs/api.md lists all codes.
    """

    def __init__(self, status: int, code: str, detail: str, request_id: str = "") -> None:
        super().__init__(f"{detail} ({status} {code})" if code else f"{detail} ({status})")
        self.status, self.code, self.detail, self.request_id = status, code, detail, request_id


class BadRequest(ApiError):
    """The request is invalid; repeating it does not help."""


class NotAllowed(ApiError):
    """The key is missing, wrong, or not an admin's."""


class NotFound(ApiError):
    """There is nothing with this id or at this address."""


class Gone(NotFound):
    """The photo was there once."""


class Busy(ApiError):
    """The service has too much to do; try again later."""


class ServerFailed(ApiError):
    """The service failed; see its log."""


_KINDS: dict[int, type[ApiError]] = {
    401: NotAllowed,
    403: NotAllowed,
    404: NotFound,
    410: Gone,
    503: Busy,
    504: Busy,
}


def refusal(answer: httpx.Response) -> ClientError:
    """Convert an answer to an error; proxies in between may answer with plain text."""
    status, request_id = answer.status_code, answer.headers.get("x-request-id", "")
    if status < 400:
        return BadAnswer(f"{answer.url}: answered with {status}, which a sketchseek service never does")
    kind = _KINDS.get(status, BadRequest if status < 500 else ServerFailed)
    try:
        problem = Problem.model_validate_json(answer.content)
    except ValidationError:
        said = " ".join(answer.text.split())[:200] or answer.reason_phrase
        return kind(status, "", said, request_id)
    return kind(status, problem.code, problem.detail, request_id)
