"""Schemas of all responses, from which the OpenAPI document is generated."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from service.listings import PHOTO, Answer, PhotoInfo, such_as

_RESULT = {
    **PHOTO,
    "score": 0.4123,
    "relevance": 0.83,
    "colour": "#5a7d94",
    "duplicates": ["77ab01c2d3e4f506"],
    "detail": None,
}
_LAST_RUN = {
    "state": "done",
    "started": "2026-02-03T04:00:00+00:00",
    "seconds": 306.2,
    "added": 29,
    "changed": 3,
    "moved": 1,
    "removed": 0,
    "unchanged": 104_199,
    "problems": [],
}
_SKIPPED = {"path": "2019/broken.jpg", "reason": "the JPEG is cut off"}
_TOOK = {"decode": 3.1, "encode": 8.4, "search": 2.2, "rerank": 0.0, "total": 13.9}


class Result(PhotoInfo):
    """A photo that was found."""

    model_config = such_as(**_RESULT)

    score: float = Field(description="Cosine similarity of query and photo, from -1 to 1.", examples=[0.412])
    relevance: float | None = Field(
        None,
        description="How likely the photo shows what was searched for, from 0 to 1; null where the model cannot tell.",
        examples=[0.83],
    )
    duplicates: list[str] = Field(
        default_factory=list, description="Ids of its near-duplicates, if they are folded."
    )
    detail: dict[str, Any] | None = Field(
        None, description="What the re-ranker says about its place, where one does."
    )


class Took(BaseModel):
    """Milliseconds spent on each stage."""

    model_config = such_as(**_TOOK)

    decode: float
    encode: float
    search: float
    rerank: float = Field(0.0, description="Putting the found photos into a better order.")
    total: float


class SearchResponse(BaseModel):
    """The best photos for a query, best first."""

    model_config = such_as(
        results=[_RESULT],
        offset=0,
        total_searched=104_231,
        nothing_close=False,
        ranked_by="collection",
        remark=None,
        generation="000042",
        model="lite",
        took_ms=_TOOK,
    )

    results: list[Result]
    offset: int = Field(description="How many better results were skipped.")
    total_searched: int = Field(description="Photos in the index.")
    nothing_close: bool = Field(
        False, description="Whether probably no photo shows what was searched for, not even the best results."
    )
    ranked_by: str = Field(
        "",
        description="The order of the results, a value of `rank`; another one than you asked for has a `remark`.",
    )
    remark: str | None = Field(
        None, description="Why the order is not the one you asked for, and what to do; null where it is."
    )
    generation: str = Field(description="The generation of the index that answered.")
    model: str
    took_ms: Took


class Alive(Answer):
    model_config = such_as(alive=True)

    alive: bool = True


class Ready(Answer):
    """Whether a search would be answered now."""

    model_config = such_as(
        ready=True, setup=False, photos=104_231, generation="000042", model="lite", reasons=[]
    )

    ready: bool
    setup: bool = Field(
        False, description="Whether nothing has been indexed yet: choose folders in the page."
    )
    photos: int = 0
    generation: str | None = None
    model: str | None = None
    reasons: list[str] = Field(default_factory=list, description="Why it is not ready, or what is wrong.")


class Info(Answer):
    """What is running."""

    model_config = such_as(
        model="lite",
        engine="openvino",
        device="CPU",
        fingerprint="5f0e8d3c1b2a4967",
        index_type="flat-fp16",
        index_device="cpu",
        generation="000042",
        created="2026-02-03T04:05:06+00:00",
        photos=104_231,
        problem=None,
        keys=True,
        local_parts=True,
        versions={"python": "3.12.3", "sketchseek": "0.2.0"},
    )

    model: str
    engine: str
    device: str
    fingerprint: str = Field(
        description="The model's fingerprint; only vectors of the same fingerprint can be compared."
    )
    index_type: str = Field(examples=["flat-fp16"])
    index_device: str = Field(
        description="What searches the index.", examples=["cpu", "cuda:0 NVIDIA H200 (torch, exact fp16)"]
    )
    generation: str
    created: str = Field(description="When the generation was published; empty before the first.")
    photos: int
    problem: str | None = Field(description="Why a newer generation cannot be served, where that is so.")
    keys: bool = Field(description="Whether the service requires a key.")
    local_parts: bool = Field(False, description="Whether the model has local parts, with which to explain.")
    versions: dict[str, str]


class SharedPicture(Answer):
    """A picture that is kept for a link."""

    model_config = such_as(
        id="5d41402abc4b2a76b9719d911017c592", url="/pictures/5d41402abc4b2a76b9719d911017c592"
    )

    id: str = Field(description="A hash of the picture: the same one gets the same id.")
    url: str = Field(description="The picture as a WebP within 1024 x 1024.")


class Reloaded(Answer):
    """The result of looking for a newer generation."""

    model_config = such_as(swapped=True, generation="000043", photos=104_260, problem=None)

    swapped: bool
    generation: str
    photos: int
    problem: str | None


class Indexing(Answer):
    """The last index job started by this service."""

    model_config = such_as(
        state="running",
        started="2026-02-03T04:05:06+00:00",
        finished=None,
        exit_status=None,
        progress={"done": 512, "photos": 1024},
        report=None,
        tail=[],
    )

    state: str = Field(examples=["never", "running", "done", "failed", "stopped"])
    started: str | None = None
    finished: str | None = None
    exit_status: int | None = None
    progress: dict[str, Any] | None = Field(None, description="Its latest progress.")
    report: dict[str, Any] | None = Field(None, description="What it did, once finished.")
    tail: list[str] = Field(default_factory=list, description="The last lines of its other output.")


class LastRun(Answer):
    """What the last run of the indexer did."""

    model_config = such_as(**_LAST_RUN)

    state: str = Field(examples=["done", "failed", "stopped"])
    started: str | None = None
    seconds: float | None = None
    added: int = 0
    changed: int = 0
    moved: int = 0
    removed: int = 0
    unchanged: int = 0
    problems: list[str] = Field(default_factory=list)


class SkippedFile(Answer):
    """A file that was not indexed."""

    model_config = such_as(**_SKIPPED)

    path: str = Field(description="Path below its photo folder.", examples=["2019/broken.jpg"])
    reason: str


class IndexState(Answer):
    """What is being searched, and what the last run did."""

    model_config = such_as(
        photos=104_231,
        generation="000042",
        published="2026-02-03T04:05:06+00:00",
        running=False,
        last_run=_LAST_RUN,
        skipped=[_SKIPPED],
        skipped_total=1,
        problem=None,
        health="ok",
        problems=[],
    )

    photos: int
    generation: str
    published: str = Field(description="When this generation was published; empty before the first.")
    running: bool = Field(description="Whether an index run is in progress, here or elsewhere.")
    last_run: LastRun | None
    skipped: list[SkippedFile]
    skipped_total: int
    problem: str | None = Field(description="Why a newer generation cannot be served, where that is so.")
    health: Literal["ok", "warning", "failed"] = Field(
        "ok",
        description="`failed`: nothing new gets in, or nothing can be searched; `warning`: something is missing.",
    )
    problems: list[str] = Field(
        default_factory=list, description="All that is wrong, and what to do about it, one line each."
    )


class Problem(Answer):
    """An error, as defined by RFC 9457."""

    model_config = such_as(
        type="about:blank",
        title="Unprocessable Content",
        status=422,
        detail="the drawing is empty: draw a few lines",
        code="empty_drawing",
    )

    type: str = Field("about:blank")
    title: str
    status: int
    detail: str = Field(description="What is wrong, and what to do.")
    code: str = Field(description="Stable error code, for programs.", examples=["empty_drawing"])
