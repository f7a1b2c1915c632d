"""Cancel work when its client disconnects."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

import anyio
from starlette.requests import Request

from service.problems import client_gone

T = TypeVar("T")


async def while_connected(request: Request, work: Awaitable[T]) -> T:
    """Await the work, but cancel it if the client disconnects. Read the request's body first."""
    with anyio.CancelScope() as scope:
        watcher = asyncio.create_task(_cancel_when_gone(request, scope))
        try:
            return await work
        finally:
            watcher.cancel()
    raise client_gone()


async def _cancel_when_gone(request: Request, scope: anyio.CancelScope) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
