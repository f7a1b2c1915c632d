"""A client for a sketchseek service, in two equivalent kinds: `Client` and `AsyncClient`.

with Client("http://localhost:8000") as client:
    for found in client.search(sketch="fish.png", text="in an aquarium", folder="2019").results:
        print(found.score, found.path)
"""

from service.client.calls import Download
from service.client.clients import AsyncClient, Client
from service.client.errors import (
    ApiError,
    BadAnswer,
    BadRequest,
    Busy,
    ClientError,
    Gone,
    NotAllowed,
    NotFound,
    ServerFailed,
    Unreachable,
)
from service.client.options import Picture, SearchOptions
from service.explaining.schemas import ExplanationInfo
from service.listings import (
    Details,
    FacetsInfo,
    Group,
    Listing,
    MarkState,
    PhotoInfo,
    Timeline,
)
from service.schemas import Indexing, Info, Ready, Reloaded, Result, SearchResponse, Took

__all__ = [
    "ApiError",
    "AsyncClient",
    "BadAnswer",
    "BadRequest",
    "Busy",
    "Client",
    "ClientError",
    "Details",
    "Download",
    "ExplanationInfo",
    "FacetsInfo",
    "Gone",
    "Group",
    "Indexing",
    "Info",
    "Listing",
    "MarkState",
    "NotAllowed",
    "NotFound",
    "PhotoInfo",
    "Picture",
    "Ready",
    "Reloaded",
    "Result",
    "SearchOptions",
    "SearchResponse",
    "ServerFailed",
    "Timeline",
    "Took",
    "Unreachable",
]
