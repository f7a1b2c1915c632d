"""Builds the web application around an open gallery."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import anyio.to_thread
from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import errors
from service.gallery import Gallery
from service.routes import health, photos, search
from service.settings import Settings

WEB = Path(__file__).parent / "web"

_HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


def create_app(gallery: Gallery, settings: Settings) -> FastAPI:
    """The application; it looks for newer generations for as long as it runs."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        watcher = asyncio.create_task(_watch(gallery, settings.refresh_seconds))
        yield
        watcher.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watcher

    app = FastAPI(
        title="sketchseek",
        summary="Draw a few lines, get the photos that show that thing.",
        version="0.1.0",
        lifespan=lifespan,
        # The usual documentation pages load scripts from elsewhere; /openapi.json remains.
        docs_url=None,
        redoc_url=None,
    )
    app.state.gallery = gallery
    # More searches at once than cores would only wait for one another, holding their pixels in memory.
    app.state.searching = anyio.CapacityLimiter(max(2, os.cpu_count() or 1))
    app.add_middleware(_Guard, largest=settings.max_upload_mb * 2**20)
    errors.install(app)
    for routes in (search, photos, health):
        app.include_router(routes.router)
    app.mount("/web", StaticFiles(directory=WEB), name="web")

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(WEB / "index.html", headers={"cache-control": "no-cache"})

    return app


async def _watch(gallery: Gallery, seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        await anyio.to_thread.run_sync(gallery.refresh)


class _Guard:
    """Puts the same few headers on every answer and limits every body.

    Starlette's own limit sits outside all handlers and answers in plain text; ours is a problem like any other.
    """

    def __init__(self, app: ASGIApp, largest: int) -> None:
        self._app = app
        self._largest = largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._largest:
                raise errors.TOO_LARGE
            return message

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and int(announced) > self._largest:
            await errors.answer(errors.TOO_LARGE)(scope, receive, send_with_headers)
        else:
            await self._app(scope, limited, send_with_headers)
