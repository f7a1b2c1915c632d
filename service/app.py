"""Build the web application around an open gallery."""

import asyncio
import contextlib
import logging
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from importlib.metadata import version

import anyio
import anyio.to_thread
from fastapi import FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import HTMLResponse

from model import Encoder
from service.asgi import errors, keys, openapi
from service.asgi.access import Access, Rules
from service.asgi.assets import Assets, Html
from service.asgi.compressing import Compressing
from service.asgi.guard import Guard, allowed_hosts
from service.asgi.page import WEB, page
from service.asgi.tracing import Tracing
from service.explaining.explainer import Explainer
from service.health import HealthWatch
from service.library.keeper import Keeper
from service.library.reindex import Reindex
from service.library.watching import Watcher
from service.ops import memory, signals
from service.ops.metrics import Metrics
from service.ops.reports import Reports
from service.photos.making import Maker
from service.photos.shared import Shared
from service.photos.thumbnails import Thumbnails
from service.routes import (
    ANYWHERE,
    admin,
    browsing,
    details,
    downloads,
    explain,
    folders,
    health,
    index,
    marks,
    photos,
    pictures,
    search,
    session,
)
from service.search.batcher import Batcher, Limits
from service.search.gallery import Gallery
from service.search.reranking import Rerankers
from service.search.searching import Searcher
from service.settings import Settings, listed

log = logging.getLogger("sketchseek")

_LAG_SECONDS = 0.1
_READERS = 16
# Each may hold a whole photo in memory.
_DESCRIBERS = 2


def create_app(gallery: Gallery, settings: Settings) -> FastAPI:
    """Create the application. While it runs, it looks for newer generations."""
    metrics = Metrics()
    # Before anything runs, so that a service whose re-ranker cannot be made does not start.
    _rerankers(gallery, settings)
    maker = Maker()
    limits = Limits(
        settings.max_searches, settings.max_batch, settings.search_seconds, settings.stall_seconds
    )

    app = FastAPI(
        title="sketchseek",
        summary="Draw a few lines, get the photos that show that thing.",
        version=version("sketchseek"),
        lifespan=partial(_at_work, gallery=gallery, settings=settings, limits=limits),
        # FastAPI's documentation pages load scripts from other hosts; /openapi.json remains.
        docs_url=None,
        redoc_url=None,
    )
    app.state.gallery = gallery
    app.state.metrics = metrics
    app.state.maker = maker
    app.state.keyring = keys.read(settings.api_keys, settings.api_keys_file)
    app.state.access = Rules(app.state.keyring, settings.loopback)
    app.state.thumbnails = Thumbnails(gallery.thumbnails, settings.large_pictures_mb * 2**20, maker)
    app.state.shared = Shared(
        gallery.index, gallery.caps, settings.shared_pictures_mb, settings.shared_days, maker
    )
    app.state.reading = anyio.CapacityLimiter(_READERS)
    app.state.describing = anyio.CapacityLimiter(_DESCRIBERS)
    app.state.reports = Reports(gallery.index)
    app.state.health = HealthWatch(gallery, app.state.reports)
    app.state.body_seconds = settings.body_seconds
    _add_layers(app, settings)
    errors.install(app)
    for routes in (
        search, explain, browsing, details, downloads, marks, photos, pictures, index, health, admin, folders,
        session,
    ):  # fmt: skip
        app.include_router(routes.router, responses=ANYWHERE)
    openapi.install(app)
    app.mount("/web", Assets(directory=WEB), name="web")

    html = Html(page)

    @app.get("/", include_in_schema=False)
    async def index_html(request: Request) -> HTMLResponse:
        return html.response(request.headers)

    return app


@contextlib.asynccontextmanager
async def _at_work(
    app: FastAPI, *, gallery: Gallery, settings: Settings, limits: Limits
) -> AsyncIterator[None]:
    """What runs as long as the application does."""
    metrics: Metrics = app.state.metrics

    async def refresh() -> None:
        await anyio.to_thread.run_sync(partial(gallery.refresh, now=True))

    async def ended() -> None:
        await keeper.ended()

    batcher = Batcher(limits, metrics)
    app.state.searcher = Searcher(gallery, batcher, metrics, settings.decoders, _rerankers(gallery, settings))
    app.state.explainer = Explainer(gallery, batcher)
    job = Reindex(settings, ended)
    app.state.keeper = keeper = Keeper(gallery, job, app.state.reports, settings)
    _measure(metrics, gallery, batcher)
    tasks = [asyncio.create_task(_watch(gallery, settings.refresh_seconds, metrics))]
    tasks.append(asyncio.create_task(_measure_lag(metrics)))
    tasks.append(asyncio.create_task(_settle(gallery.encoder)))
    reloads: set[asyncio.Task[None]] = set()

    def reload() -> None:
        task = asyncio.create_task(refresh())
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    await keeper.begin()
    if keeper.watching:
        tasks.append(asyncio.create_task(Watcher(keeper).run()))
    with _on_hangup(reload):
        yield
    await keeper.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, *reloads, return_exceptions=True)
    await anyio.to_thread.run_sync(batcher.close)
    app.state.maker.close()


def _rerankers(gallery: Gallery, settings: Settings) -> Rerankers:
    return Rerankers(gallery.encoder, settings.rank, settings.candidates)


def _add_layers(app: FastAPI, settings: Settings) -> None:
    """Add the middleware; the last one added is the outermost."""
    app.add_middleware(Compressing)
    app.add_middleware(Access, rules=app.state.access)
    if origins := listed(settings.cors_origins):
        # Outside Access: browsers send preflight requests without a key.
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["authorization", "x-api-key", "x-request-id"],
            expose_headers=["x-request-id", "retry-after"],
        )
    app.add_middleware(Guard, largest=settings.max_upload_mb * 2**20, hosts=allowed_hosts(settings))
    app.add_middleware(Tracing, metrics=app.state.metrics, log=settings.access_log)


def _measure(metrics: Metrics, gallery: Gallery, batcher: Batcher) -> None:
    metrics.watch(
        queue=lambda: batcher.queued,
        ready=lambda: float(not batcher.stalled and not gallery.damaged and not gallery.served.away),
        photos=lambda: len(gallery.published),
        generation=lambda: int(gallery.published.manifest.generation),
        refused=lambda: float(gallery.problem is not None),
        swaps=lambda: gallery.swaps,
    )
    metrics.watch_store(gallery.source.traffic)


@contextlib.contextmanager
def _on_hangup(reload: Callable[[], object]) -> Iterator[None]:
    """Reload on SIGHUP, if this is the main thread; also handles one that arrived during startup."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop, before = asyncio.get_running_loop(), signal.getsignal(signal.SIGHUP)
    loop.add_signal_handler(signal.SIGHUP, reload)
    if signals.reload_wanted():
        reload()
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)
        # Otherwise another SIGHUP during shutdown would kill the service.
        signal.signal(signal.SIGHUP, before)


async def _watch(gallery: Gallery, seconds: float, metrics: Metrics) -> None:
    quiet, said = memory.Quiet(), ""
    while True:
        await asyncio.sleep(seconds)
        try:
            await anyio.to_thread.run_sync(gallery.refresh)
            await anyio.to_thread.run_sync(quiet.look, metrics.batches)
        except Exception as error:  # whatever is wrong now, look again later
            if said != (said := repr(error)):
                log.exception("looking for a newer generation failed; trying again")


async def _settle(encoder: Encoder) -> None:
    """Get ready for searches that come together, so that memory at rest says what they take; nobody waits for it."""
    await anyio.to_thread.run_sync(encoder.warm, 2)


async def _measure_lag(metrics: Metrics) -> None:
    while True:
        start = time.monotonic()
        await asyncio.sleep(_LAG_SECONDS)
        metrics.lag.observe(max(0.0, time.monotonic() - start - _LAG_SECONDS))
