"""All settings of the service: from options of `sketchseek serve`, else the environment, else a file."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from indexer.address import CA, TIMEOUT, TOKEN, TOKEN_FILE, Access
from indexer.stores.placement import Device, GpuIndex
from model.engines import Name as EngineName
from model.registry import UnknownName
from model.rerankers import RERANKERS
from service.named import default_index, place
from service.settings_file import in_file

# Empty variables count as unset, but never this one: without its keys, anybody could get in.
_NEVER_EMPTY = "api_keys_file"


def _placed(value: object) -> object:
    return place(value) if isinstance(value, str | Path) else value


def _some(value: str) -> str:
    """Accept an empty value, which is a choice, but not commas and blanks alone, which are a mistake."""
    if value and not listed(value):
        raise ValueError("has no entries; add one, or leave the setting out")
    return value


def _ranking(value: str) -> str:
    try:
        RERANKERS.check(value)
    except UnknownName as error:
        raise ValueError(str(error)) from None
    return value


Place = Annotated[Path, BeforeValidator(_placed)]
Ranking = Annotated[str, AfterValidator(_ranking)]
Several = Annotated[str, AfterValidator(_some)]


class Settings(BaseSettings):
    """Read from environment variables, such as SKETCHSEEK_PORT for `port`; then from a file.

    The file is `sketchseek.toml` in the working folder, or the one named by SKETCHSEEK_CONFIG.
    """

    model_config = SettingsConfigDict(env_prefix="SKETCHSEEK_", frozen=True, extra="forbid")

    index: Place = Field(
        default_factory=default_index,
        description="The index folder; by default `index` in the working folder if that is one, "
        "else `sketchseek/index` in your data folder.",
    )
    model: str = Field(
        "",
        description="Name of a shipped model (`lite`, or `lite-plus`: stronger and half as fast), or a folder with a "
        "card.json; by default the one that made the index, or `lite`.",
    )
    engine: EngineName = Field(
        "auto",
        description="What runs the model; `auto` picks a GPU that torch can use, then OpenVINO, then torch.",
    )
    store: str = Field(
        "",
        description="Serve a library on a server instead, such as `milvus://HOST:19530/NAME`; "
        "the index folder then holds marks and thumbnails only.",
    )
    store_token: SecretStr = Field(
        SecretStr(""), description="How to log in to the server: `USER:PASSWORD`, a password, or a token."
    )
    store_token_file: str = Field("", description="A file with that, instead.")
    store_ca: str = Field(
        "", description="A file with the certificate authority to trust, for a `+tls` address; PEM."
    )
    store_timeout: float = Field(
        2.0, ge=0.05, le=600, description="Seconds the server may take to answer a search."
    )
    index_device: Device = Field(
        "auto",
        description="What searches the index; `auto` uses a GPU if the index fits, `cuda` insists on one.",
    )
    gpu_index: GpuIndex = Field(
        "exact",
        description="How a GPU searches: `exact` compares every vector with torch; the others are FAISS indexes.",
    )
    encoder_memory_mb: int = Field(
        0,
        ge=0,
        description="GPU memory for a batch of pictures, in MiB; 0 uses a quarter of what is free.",
    )
    index_memory_mb: int = Field(
        0, ge=0, description="GPU memory for the index, in MiB; 0 uses whatever is free."
    )
    rank: Ranking | None = Field(
        None,
        description="Order of the results of searches that do not name one; by default, the model's choice.",
    )
    candidates: int = Field(
        0, ge=0, le=2000, description="How many photos the second stage reorders; 0 for as many as suit it."
    )
    host: str = Field(
        "127.0.0.1",
        description="Address to listen on; the default accepts connections from this machine only.",
    )
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")
    allow_anyone: bool = Field(
        False,
        description="Accept connections from other machines without a key: anyone who can connect sees your photos.",
    )
    api_keys: Several = Field(
        "",
        description="Entries printed by `sketchseek key`, comma-separated; empty means no key is required.",
    )
    api_keys_file: Place | None = Field(
        None, description="A file with more entries, one per line; `#` starts a comment."
    )
    cors_origins: Several = Field(
        "", description="Origins whose pages may call the service, comma-separated; empty allows none."
    )
    max_upload_mb: int = Field(20, ge=1, le=200, description="Largest request body, in MiB.")
    body_seconds: float = Field(30.0, gt=0, description="Seconds a request may take to upload its picture.")
    allowed_hosts: Several = Field(
        "",
        description="Host names the service answers to, comma-separated; "
        "empty allows only local names on a loopback address, and any name elsewhere.",
    )
    max_sketch_megapixels: int = Field(
        25, ge=1, le=200, description="Largest drawing, in megapixels, checked before decoding."
    )
    refresh_seconds: float = Field(
        2.0, gt=0, description="Seconds between checks for a newly published generation."
    )
    max_searches: int = Field(
        64,
        ge=1,
        description="Concurrent searches with pictures, and as many without; any more get 503 with `Retry-After`.",
    )
    max_batch: int = Field(16, ge=1, le=1024, description="Most pictures the model encodes in one batch.")
    decoders: int = Field(
        0,
        ge=0,
        description="Pictures decoded at once; 0 means one per core.",
    )
    large_pictures_mb: int = Field(
        1024,
        ge=0,
        description="Cache for medium and large previews in the index folder, in MiB; 0 keeps none.",
    )
    shared_pictures_mb: int = Field(
        64,
        ge=0,
        description="Room for shared pictures in the index folder, in MiB; 0 keeps none.",
    )
    shared_days: float = Field(
        90.0, gt=0, description="Days that a shared picture is kept after it was last opened."
    )
    search_seconds: float = Field(
        20.0, gt=0, description="Seconds a search may take, not counting its upload."
    )
    stall_seconds: float = Field(
        10.0,
        gt=0,
        description="Seconds on a single batch after which the service reports that it is not ready.",
    )
    stop_seconds: int = Field(
        25, ge=1, description="Seconds that running requests get to finish after SIGTERM."
    )
    max_connections: int = Field(1000, ge=1, description="Concurrent connections, including idle ones.")
    keep_alive_seconds: int = Field(15, ge=1, description="Seconds before an idle connection is closed.")
    write_seconds: float = Field(
        30.0,
        gt=0,
        description="Seconds before a client that reads nothing, or less than 1 KiB/s, is disconnected.",
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="Log format: `text` for people, `json` for machines."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Lowest level that is logged."
    )
    access_log: bool = Field(False, description="Log a line for every request.")
    browser: bool | None = Field(
        None,
        description="Open the page in your browser at startup; by default only `sketchseek` without a command does.",
    )
    places: Several = Field(
        "",
        description="More folders to choose photo folders from in the page, comma-separated; "
        "your home folder and mounted drives are always among them.",
    )
    resume: bool = Field(
        True, description="Go on at startup with an index run that the last stop of the service interrupted."
    )
    watch: bool | None = Field(
        None,
        description="Index new, changed, and deleted photos while serving; "
        "by default only if no other machine can connect, and the library is not on a server.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        given = {name: value for name, value in env_settings().items() if value or name == _NEVER_EMPTY}
        environment = InitSettingsSource(settings_cls, given)
        return init_settings, environment, InitSettingsSource(settings_cls, in_file())

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the service."""
        return _is_here(self.host)

    @property
    def watching(self) -> bool:
        """Whether to watch the photo folders: as `/admin`, unasked only where nobody else can connect."""
        alone = self.loopback and not self.proxied and not self.store
        return alone if self.watch is None else self.watch

    @property
    def proxied(self) -> bool:
        """Whether clients use a host name of another machine, so that a proxy must be in front."""
        return not all(map(_is_here, listed(self.allowed_hosts)))


def _is_here(host: str) -> bool:
    name = host.lower().strip("[]")
    return name.startswith("127.") or name in {"localhost", "::1"}


def access(settings: Settings) -> Access:
    """How to get in to the server that holds the library."""
    return Access.of(
        {
            TOKEN: settings.store_token.get_secret_value(),
            TOKEN_FILE: settings.store_token_file,
            CA: settings.store_ca,
            TIMEOUT: str(settings.store_timeout),
        }
    )


def variable_of(name: str) -> str | None:
    """The environment variable from which this setting comes, if it is set."""
    variable = f"SKETCHSEEK_{name.upper()}"
    given = os.environ.get(variable)
    return variable if given or (given is not None and name == _NEVER_EMPTY) else None


def listed(text: str) -> list[str]:
    """Split a comma-separated setting."""
    return [part.strip() for part in text.split(",") if part.strip()]


def said(error: Mapping[str, Any]) -> str:
    """What is wrong with a setting, without pydantic's prefix."""
    return str(error["msg"]).removeprefix("Value error, ")
