"""POST /session: a cookie for a key, so that the page's images, which can send no headers, are shown."""

from fastapi import APIRouter, Request, Response

from service.asgi.access import no_key, presented
from service.asgi.keys import COOKIE, SESSION_SECONDS
from service.routes import problems

router = APIRouter(tags=["session"])


@router.post("/session", status_code=204, responses=problems("no_key"))
async def begin(request: Request, response: Response) -> None:
    """Sets a cookie that allows searches and photos for twelve hours; where no key is asked for, does nothing."""
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
