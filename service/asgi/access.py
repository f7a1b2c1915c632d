"""Access control: all routes but the page and the probes require a key, and /admin an admin key."""

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from service.asgi import errors
from service.asgi.guard import LOOPBACK, bare
from service.asgi.keys import COOKIE, Key, Keyring
from service.problems import ServiceError

_OPEN = frozenset({"/", "/livez", "/readyz", "/openapi.json", "/session"})


class Access:
    """Everything not listed as open requires a key, so that new routes are protected by default."""

    def __init__(self, app: ASGIApp, keyring: Keyring, loopback: bool) -> None:
        self._app = app
        self._keyring = keyring
        self._loopback = loopback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope["path"], Headers(scope=scope)) if scope["type"] == "http" else None
        app = self._app if refusal is None else errors.answer(refusal)
        await app(scope, receive, send)

    def _refusal(self, path: str, headers: Headers) -> ServiceError | None:
        admin = path.startswith("/admin")
        if not admin and (not self._keyring or path in _OPEN or path.startswith("/web/")):
            return None
        if not self._keyring:
            return None if self._loopback and _is_local(headers) else _admins_only()
        key = presented(headers, self._keyring)
        if key is None:
            return None if not admin and self._keyring.holds(_cookie(headers)) else no_key()
        return _admins_only() if admin and not key.admin else None


def presented(headers: Headers, keyring: Keyring) -> Key | None:
    """The key sent with a request, if it is valid."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    given = token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
    return keyring.find(given) if given else None


def refuse_other_sites(request: Request) -> None:
    """Refuse what another site's page made a browser send, which needs no key here or has our cookie.

    No page can send a key of ours in a header.
    """
    if not is_own_page(request.headers) and presented(request.headers, request.app.state.keyring) is None:
        detail = "only this service's own page, or a program, may send this; open the service's address"
        raise ServiceError("cross_site", detail)


def is_own_page(headers: Headers) -> bool:
    """Whether our own page or a program sent the request, not the page of another site."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in {"none", "same-origin"}
    # Without TLS, browsers say this only for loopback addresses.
    origin = headers.get("origin")
    return origin is None or origin.rpartition("//")[2] == headers.get("host", "")


def no_key() -> ServiceError:
    detail = "this service requires a key: send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`"
    return ServiceError("no_key", detail, {"www-authenticate": "Bearer", "connection": "close"})


def _admins_only() -> ServiceError:
    detail = (
        "this requires an admin key (sketchseek key --admin), or a service without keys on this machine only"
    )
    return ServiceError("admins_only", detail)


def _cookie(headers: Headers) -> str:
    """Our own cookie, which is never quoted. Python's parser would take a minute for a cookie of backslashes."""
    for cookie in headers.get("cookie", "").split(";"):
        name, _, value = cookie.partition("=")
        if name.strip() == COOKIE:
            return value.strip()
    return ""


def _is_local(headers: Headers) -> bool:
    """Whether a local program or our own page sent the request, not another page or a proxy."""
    proxied = {"forwarded", "x-forwarded-for", "via"} & set(headers)
    own_page = headers.get("sec-fetch-site", "none") in {"none", "same-origin"}
    origin = headers.get("origin", "").rpartition("//")[2]
    return (
        not proxied
        and own_page
        and bare(headers.get("host", "")) in LOOPBACK
        and (not origin or origin == headers.get("host", ""))
    )
