"""/livez and /readyz, for whatever watches over the process."""

from fastapi import APIRouter

from service.routes import OpenGallery
from service.schemas import Alive, Ready

router = APIRouter(tags=["health"])


@router.get("/livez")
async def livez() -> Alive:
    """The process answers."""
    return Alive()


@router.get("/readyz")
async def readyz(gallery: OpenGallery) -> Ready:
    """A search would be answered now. `reasons` also tells of a newer generation that could not be opened."""
    published = gallery.published
    return Ready(
        ready=True,
        photos=len(published),
        generation=published.manifest.generation,
        model=gallery.encoder.card.name,
        reasons=[gallery.problem] if gallery.problem else [],
    )
