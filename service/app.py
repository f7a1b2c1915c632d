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

from service import errors
from service.gallery import Gallery
from service.guard import Guard, allowed_hosts
from service.routes import health, photos, search
from service.settings import Settings

WEB = Path(__file__).parent / "web"


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
    app.state.remaking = anyio.CapacityLimiter(1)
    app.state.body_seconds = settings.body_seconds
    app.add_middleware(Guard, largest=settings.max_upload_mb * 2**20, hosts=allowed_hosts(settings))
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
