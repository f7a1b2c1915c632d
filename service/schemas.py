"""The shapes of all answers; the OpenAPI document is made of them."""

from typing import Any

from pydantic import BaseModel, Field


class Result(BaseModel):
    """A photo that was found."""

    id: str = Field(
        description="Opaque and stable; names the photo in every other call.", examples=["1f0c5b7a9e3d2468"]
    )
    score: float = Field(description="Cosine between query and photo, from -1 to 1.", examples=[0.412])
    path: str = Field(
        description="Where it lies below its photo folder.", examples=["2019/aquarium/dolphin.jpg"]
    )
    url: str = Field(description="The photo itself.")
    thumbnail_url: str = Field(description="A WebP within 320 x 320.")
    width: int
    height: int
    taken: str | None = Field(None, description="The camera's local time.", examples=["2019-07-04T18:02:11"])
    camera: str | None = Field(None, examples=["Canon EOS R6"])
    duplicates: list[str] = Field(
        default_factory=list, description="Ids of its near-duplicates, where those are folded."
    )


class Took(BaseModel):
    """Milliseconds spent on each stage."""

    decode: float
    encode: float
    search: float
    total: float


class SearchResponse(BaseModel):
    """The best photos for a query, best first."""

    results: list[Result]
    offset: int = Field(description="How many better ones were left out.")
    total_searched: int = Field(description="Photos in the index.")
    generation: str = Field(description="Which publication of the index answered.")
    model: str
    took_ms: Took


class Alive(BaseModel):
    alive: bool = True


class Ready(BaseModel):
    """Whether a search would be answered now."""

    ready: bool
    photos: int = 0
    generation: str | None = None
    model: str | None = None
    reasons: list[str] = Field(default_factory=list, description="Why not, when it is not ready.")


class Info(BaseModel):
    """What is running here."""

    model: str
    engine: str
    device: str
    fingerprint: str = Field(description="Of the model: vectors may meet only under one fingerprint.")
    index_type: str = Field(examples=["flat-fp16"])
    index_device: str = Field(
        description="What searches the index.", examples=["cpu", "cuda:0 NVIDIA H200 (torch, exact fp16)"]
    )
    generation: str
    created: str = Field(description="When the generation was published.")
    photos: int
    problem: str | None = Field(description="Why a newer generation cannot be served, where that is so.")
    keys: bool = Field(description="Whether the service asks for a key.")
    versions: dict[str, str]


class Reloaded(BaseModel):
    """What looking for a newer generation brought."""

    swapped: bool
    generation: str
    photos: int
    problem: str | None


class Indexing(BaseModel):
    """The index job that this service started last."""

    state: str = Field(examples=["never", "running", "done", "failed", "stopped"])
    started: str | None = None
    finished: str | None = None
    exit_status: int | None = None
    progress: dict[str, Any] | None = Field(None, description="What it told last of how far it is.")
    report: dict[str, Any] | None = Field(None, description="What it did, once it is done.")
    tail: list[str] = Field(default_factory=list, description="The last lines of its other output.")


class Problem(BaseModel):
    """An error, as RFC 9457 has it."""

    type: str = Field("about:blank")
    title: str
    status: int
    detail: str = Field(description="What is wrong and what to do.")
    code: str = Field(description="Stable, for programs.", examples=["empty_drawing"])
