"""Access control: all routes but the page and the probes require a key; /admin and all changes, an admin key."""

import re
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from service.asgi import errors
from service.asgi.guard import LOOPBACK, bare
from service.asgi.keys import COOKIE, Key, Keyring
from service.problems import ServiceError

_PAGE = re.compile("^https?://")
_OPEN = frozenset({"/", "/livez", "/readyz", "/openapi.json", "/session"})
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
# What proxies add to requests that come from elsewhere; and whatever begins with x-forwarded- or cf-.
_PROXIES = frozenset(
    {"forwarded", "via", "x-real-ip", "true-client-ip", "x-client-ip", "x-cluster-client-ip"}
)
# What changes nothing although it is sent by POST. All else that may change something is for admins.
_ASKING = frozenset({"/search", "/explain", "/session", "/download", "/pictures"})
# What no other site's page shall start, even though it could not read the answer: large ones, and pictures to keep.
_OWN = frozenset({"/download", "/pictures"})


@dataclass(frozen=True)
class Rules:
    """Who may do what. `loopback`: only this machine can reach the service."""

    keyring: Keyring
    loopback: bool

    def is_admin(self, headers: Headers) -> bool:
        """Whether a request has an admin key or, without keys, comes from a program or page of this machine."""
        if not self.keyring:
            return self.loopback and _is_local(headers)
        key = presented(headers, self.keyring)
        return key is not None and key.admin

    def refusal(self, method: str, path: str, headers: Headers) -> ServiceError | None:
        """Why a request is refused; None if it is allowed."""
        admin = path.startswith("/admin") or not (method in _READING or path in _ASKING)
        if admin:
            if self.keyring and presented(headers, self.keyring) is None:
                return no_key()
            return None if self.is_admin(headers) else _admins_only()
        given = self.keyring and presented(headers, self.keyring)
        # No form of another site can send a key.
        if path in _OWN and method not in _READING and not given and not _is_own_page(headers):
            return _other_site()
        if not self.keyring or path in _OPEN or path.startswith("/web/"):
            return None
        return None if given or self.keyring.holds(_cookie(headers)) else no_key()


class Access:
    """Everything not listed as open requires a key, and all that may change something an admin's: so new routes are
    protected by default."""

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = None
        if scope["type"] == "http":
            refusal = self._rules.refusal(scope["method"], scope["path"], Headers(scope=scope))
        app = self._app if refusal is None else errors.answer(refusal)
        await app(scope, receive, send)


def presented(headers: Headers, keyring: Keyring) -> Key | None:
    """The key sent with a request, if it is valid."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    given = token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
    return keyring.find(given) if given else None


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
    proxied = any(name in _PROXIES or name.startswith(("x-forwarded-", "cf-")) for name in headers)
    return not proxied and bare(headers.get("host", "")) in LOOPBACK and _is_own_page(headers)


def _is_own_page(headers: Headers) -> bool:
    """Whether our own page or a program sent the request, not the page of another site."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in {"none", "same-origin"}
    # Without TLS, browsers say the former only for loopback addresses.
    origin = headers.get("origin")
    return origin is None or _PAGE.sub("", origin, count=1) == headers.get("host", "")


def _other_site() -> ServiceError:
    detail = "a page of another site sent this request; use the service's own page, or a program"
    return ServiceError("other_site", detail)
