"""Every setting of the service, in one place: options of `sketchseek serve`, else the environment, else a file."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from indexer.stores.gpu.opener import Device, GpuIndex
from model.engines import Name as EngineName
from model.registry import UnknownName
from model.rerankers import RERANKERS
from service.named import BadName, place, text_in

FILE = "sketchseek.toml"
_CONFIG = "SKETCHSEEK_CONFIG"


def _placed(value: object) -> object:
    return place(value) if isinstance(value, str | Path) else value


def _some(value: str) -> str:
    """Nothing at all is a wish; commas and blanks without anything between them are a mistake."""
    if value and not listed(value):
        raise ValueError("holds no entry; enter one, or leave the setting out")
    return value


def _reranker(value: str) -> str:
    try:
        RERANKERS.check(value)
    except UnknownName as error:
        raise ValueError(str(error)) from None
    return value


Place = Annotated[Path, BeforeValidator(_placed)]
Reranker = Annotated[str, AfterValidator(_reranker)]
Several = Annotated[str, AfterValidator(_some)]


class Settings(BaseSettings):
    """Read from variables named SKETCHSEEK_ and the name in capitals, such as SKETCHSEEK_PORT; then from a file.

    The file is `sketchseek.toml` in the working folder, or what SKETCHSEEK_CONFIG names.
    """

    model_config = SettingsConfigDict(env_prefix="SKETCHSEEK_", frozen=True, extra="forbid")

    index: Place = Field(Path("index"), description="The index folder to serve.")
    model: str = Field("lite", description="A shipped model's name, or a folder with a card.json.")
    engine: EngineName = Field(
        "auto",
        description="What runs the model; `auto` takes a card that torch can use, else OpenVINO, else torch.",
    )
    index_device: Device = Field(
        "auto",
        description="What searches the index; `auto` takes a card if the index fits, `cuda` refuses one that does not.",
    )
    gpu_index: GpuIndex = Field(
        "exact",
        description="How a card searches: all vectors by torch, or one of FAISS's indexes (docs/gpu.md).",
    )
    encoder_memory_mb: int = Field(
        0,
        ge=0,
        description="Memory of the card for a batch of pictures, in MiB; 0 takes a quarter of what is free.",
    )
    index_memory_mb: int = Field(
        0, ge=0, description="Memory of the card for the index, in MiB; 0 takes what is free."
    )
    reranker: Reranker | None = Field(
        None, description="Re-ranker for searches that name none; by default the one that the model prefers."
    )
    host: str = Field("127.0.0.1", description="Address to listen on; the default is this machine alone.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 lets the system choose one.")
    allow_anyone: bool = Field(
        False,
        description="Listen beyond this machine although no key is set: whoever reaches it sees the photos.",
    )
    api_keys: Several = Field(
        "", description="Entries that `sketchseek key` printed, with commas between; empty asks for no key."
    )
    api_keys_file: Place | None = Field(
        None, description="A file with more such entries, one a line; what follows a `#` is a remark."
    )
    cors_origins: Several = Field(
        "", description="Origins whose pages may call the service, with commas between; empty allows none."
    )
    max_upload_mb: int = Field(20, ge=1, le=200, description="Largest request body, in MiB.")
    body_seconds: float = Field(30.0, gt=0, description="How long a request may take to send its picture.")
    allowed_hosts: Several = Field(
        "",
        description="Names under which requests may call the service, with commas between; "
        "empty allows this machine's own names on a loopback address, and any name elsewhere.",
    )
    max_sketch_megapixels: int = Field(
        25, ge=1, le=200, description="Largest drawing, judged before it is decoded."
    )
    refresh_seconds: float = Field(
        2.0, gt=0, description="How often the service looks for a newly published generation."
    )
    max_searches: int = Field(
        64,
        ge=1,
        description="Searches with pictures at once, and as many without; further ones get 503 and when to ask again.",
    )
    max_batch: int = Field(16, ge=1, le=1024, description="Pictures that the model gets at once, at most.")
    decoders: int = Field(
        0,
        ge=0,
        description="Pictures that are decoded at once; 0 takes the number of cores.",
    )
    large_pictures_mb: int = Field(
        1024,
        ge=0,
        description="Space in the index folder for large pictures that were looked at, in MiB; 0 keeps none.",
    )
    search_seconds: float = Field(
        20.0, gt=0, description="How long a search may take, its upload not counted."
    )
    stall_seconds: float = Field(
        10.0, gt=0, description="A model that works on one batch for longer makes the service not ready."
    )
    stop_seconds: int = Field(25, ge=1, description="How long requests may go on after SIGTERM.")
    max_connections: int = Field(1000, ge=1, description="Connections at once, idle ones among them.")
    keep_alive_seconds: int = Field(15, ge=1, description="How long an idle connection is kept.")
    write_seconds: float = Field(
        30.0,
        gt=0,
        description="How long a caller may take nothing of an answer, or less than 1 KiB a second, until cut off.",
    )
    log_format: Literal["text", "json"] = Field("text", description="Log lines for people, or for machines.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least that is logged."
    )
    access_log: bool = Field(False, description="A line for each request.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, InitSettingsSource(settings_cls, _in_file())

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the service."""
        return _is_here(self.host)

    @property
    def proxied(self) -> bool:
        """Whether callers use a name that is not this machine's own, so that something passes them on."""
        return not all(map(_is_here, listed(self.allowed_hosts)))


def _is_here(host: str) -> bool:
    name = host.lower().strip("[]")
    return name.startswith("127.") or name in {"localhost", "::1"}


def settings_file() -> Path:
    try:
        return place(os.environ.get(_CONFIG, FILE))
    except ValueError as error:
        raise BadName(f"{_CONFIG}: {error}") from None


def _in_file() -> dict[str, Any]:
    """What the file says. One that is named, or lies there, and says nothing has lost what it was to say."""
    path = settings_file()
    if _CONFIG not in os.environ and not os.path.lexists(path):
        return {}
    try:
        found = tomllib.loads(text_in(path, "the settings file"))
    except tomllib.TOMLDecodeError as error:
        raise BadName(f"{path}: the settings file cannot be read ({error}); mend it") from None
    if not found:
        raise BadName(f"{path}: the settings file holds no setting; docs/settings.md lists them all")
    return found


def listed(text: str) -> list[str]:
    """The parts of a setting that holds several, with commas between."""
    return [part.strip() for part in text.split(",") if part.strip()]


def said(error: Mapping[str, Any]) -> str:
    """What is wrong with a setting, in our own words where we said it."""
    return str(error["msg"]).removeprefix("Value error, ")
