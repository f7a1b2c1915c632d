"""Give each request an id, measure it, and write it to the access log."""

import asyncio
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import problems
from service.asgi import errors
from service.ops.logging import LONGEST, access, method_of, request_id, sane_id
from service.ops.metrics import Metrics


class Tracing:
    """The outermost layer, so that refusals of all others are counted."""

    def __init__(self, app: ASGIApp, metrics: Metrics, log: bool) -> None:
        self._app = app
        self._metrics = metrics
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        status = 0
        identity = sane_id(Headers(scope=scope).get("x-request-id", ""))
        token = request_id.set(identity)

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = identity
            await send(message)

        # A copy, into which the router writes the matched route. Routes see HEAD as GET, and the server omits the
        # body; routes that would read a file for nothing can check `head`.
        head = scope["method"] == "HEAD"
        inner = {**scope, "head": head, "method": "GET" if head else scope["method"]}
        try:
            await self._app(inner, receive, send_with_id)
        except asyncio.CancelledError:
            # Only the server cancels, when its time to stop is up: not a failure, and nothing to propagate to.
            if not status:
                await errors.answer(problems.stopping())(scope, receive, send_with_id)
        finally:
            self._record(scope, inner, status or 500, time.perf_counter() - start)
            request_id.reset(token)

    def _record(self, scope: Scope, inner: Scope, status: int, seconds: float) -> None:
        route, method = getattr(inner.get("route"), "path", "other"), method_of(scope)
        # Client-supplied text never becomes a label: every new label is kept forever.
        counted = method if route != "other" else "other"
        self._metrics.requests.labels(route, counted, str(status)).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        if self._log:
            took, path = round(1000 * seconds, 1), scope["path"][:LONGEST]
            client = (scope.get("client") or [""])[0][:LONGEST]
            fields = {"method": method, "path": path, "status": status, "took_ms": took, "client": client}
            # Escaped, so that control characters in a path cannot break the line.
            access.info(f"{method} {path!a} {status} {took} ms", extra={"fields": fields})
