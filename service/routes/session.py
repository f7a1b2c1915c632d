"""POST /session: exchange a key for a cookie, because the page's images cannot send headers."""

from fastapi import APIRouter, Request, Response

from service.asgi.access import no_key, presented
from service.asgi.keys import COOKIE, SESSION_SECONDS
from service.routes import problems

router = APIRouter(tags=["session"])


@router.post("/session", status_code=204, responses=problems("no_key"))
async def begin(request: Request, response: Response) -> None:
    """Set a cookie that allows searches and photos for twelve hours. Does nothing if no key is required."""
    keyring = request.app.state.keyring
    if not keyring:
        return
    if presented(request.headers, keyring) is None:
        raise no_key()
    response.set_cookie(
        COOKIE,
        keyring.session(),
        max_age=SESSION_SECONDS,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
