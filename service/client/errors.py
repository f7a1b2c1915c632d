"""What can go wrong when a service is asked.

ClientError
├── Unreachable           no answer: wrong address, no service, or it took too long
├── BadAnswer             an answer that no sketchseek service gives
└── ApiError              the service refused; it has `status`, `code`, `detail` and `request_id`
    ├── BadRequest        the request itself: not a picture, an unknown field, too large
    ├── NotAllowed        the key is missing, wrong, or not an admin's
    ├── NotFound          no photo has this id
    │   └── Gone          the photo was there once
    ├── Busy              too much to do; trying for as long as allowed did not help
    └── ServerFailed      an error of the service itself
"""

import httpx
from pydantic import ValidationError

from model.errors import SketchseekError
from service.schemas import Problem


class ClientError(SketchseekError):
    """A service could not be asked, or did not answer as hoped."""


class Unreachable(ClientError):
    """No answer came."""


class BadAnswer(ClientError):
    """Whoever answers there is no sketchseek service, or one of another version."""


class ApiError(ClientError):
    """The service said no. `code` is stable, for programs to rely on.

    https://github.com/sketchseek/sketchseek/blob/main/docs/api.md lists all codes.
    """

    def __init__(self, status: int, code: str, detail: str, request_id: str = "") -> None:
        super().__init__(f"{detail} ({status} {code})" if code else f"{detail} ({status})")
        self.status, self.code, self.detail, self.request_id = status, code, detail, request_id


class BadRequest(ApiError):
    """The request has to be another one."""


class NotAllowed(ApiError):
    """The key is missing, wrong, or not an admin's."""


class NotFound(ApiError):
    """Nothing is there under this id or address."""


class Gone(NotFound):
    """It was there once."""


class Busy(ApiError):
    """Ask again later."""


class ServerFailed(ApiError):
    """The service's log says why."""


_KINDS: dict[int, type[ApiError]] = {
    401: NotAllowed,
    403: NotAllowed,
    404: NotFound,
    410: Gone,
    503: Busy,
    504: Busy,
}


def refusal(answer: httpx.Response) -> ClientError:
    """The error that an answer tells of; whatever stands in between may also give one in plain text."""
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
