"""/livez, /readyz, /info, and /metrics, for monitoring."""

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from service.health import HealthWatch
from service.routes import OpenGallery
from service.schemas import Alive, Info, Ready

router = APIRouter(tags=["health"])

_PACKAGES = (
    "sketchseek",
    "openvino",
    "torch",
    "faiss-cpu",
    "faiss-gpu-cuvs",
    "faiss-gpu",
    "fastapi",
    "uvicorn",
    "pillow",
    "numpy",
)


@router.get("/livez")
async def livez() -> Alive:
    """The process responds."""
    return Alive()


@router.get(
    "/readyz",
    responses={503: {"model": Ready, "description": "The service is not ready; `reasons` says why."}},
)
async def readyz(request: Request, response: Response, gallery: OpenGallery) -> Ready:
    """Whether a search would be answered now.

    `reasons` also names what does not keep it from answering: a newer generation that could not be opened, a missing
    photo folder, a last run that failed. It needs no key, so it names neither folders nor files; GET /index does.
    """
    watch: HealthWatch = request.app.state.health
    # Looked at once: a newer generation may replace it meanwhile.
    served = gallery.served
    troubles, published = await watch.soon(served), served.library
    stalled, engine = request.app.state.searcher.batcher.stalled, served.encoder.engine
    ready = (
        not stalled
        and engine.problem is None
        and not served.damaged
        and not served.away
        and not gallery.empty
    )
    if not ready:
        response.status_code = 503
    nothing = "no photos are indexed yet" if gallery.empty else None
    kinds = dict.fromkeys(trouble.kind for trouble in troubles)
    reasons = ["the model does not respond" if stalled else None, engine.problem, nothing, *kinds]
    return Ready(
        ready=ready,
        setup=gallery.empty,
        photos=len(published),
        generation=published.manifest.generation,
        model=served.encoder.card.name,
        reasons=[reason for reason in reasons if reason],
    )


@router.get("/info")
async def info(request: Request, gallery: OpenGallery) -> Info:
    """What is running: model, engine, index, versions."""
    served = gallery.served
    published, encoder = served.library, served.encoder
    return Info(
        model=encoder.card.name,
        engine=encoder.engine.name,
        device=encoder.engine.device,
        fingerprint=encoder.fingerprint,
        index_type=published.manifest.store,
        index_device=published.device,
        generation=published.manifest.generation,
        created=published.manifest.created,
        photos=len(published),
        problem=served.problem,
        keys=bool(request.app.state.keyring),
        local_parts=encoder.local is not None,
        versions=_versions(),
    )


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(request: Request) -> Response:
    """Metrics in the Prometheus text format.

    https://github.com/sketchseek/sketchseek/blob/main/docs/operations.md lists them.
    """
    return Response(request.app.state.metrics.text(), media_type=CONTENT_TYPE_LATEST)


@cache
def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
