"""Every setting of the service, in one place: from the environment, or from options of `sketchseek serve`."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Read from variables named SKETCHSEEK_ and the name in capitals, such as SKETCHSEEK_PORT."""

    model_config = SettingsConfigDict(env_prefix="SKETCHSEEK_", frozen=True)

    index: Path = Field(Path("index"), description="The index folder to serve.")
    model: str = Field("lite", description="A shipped model's name, or a folder with a card.json.")
    engine: Literal["auto", "openvino", "torch"] = Field(
        "auto", description="What runs the model; `auto` takes OpenVINO where it is installed, else torch."
    )
    host: str = Field("127.0.0.1", description="Address to listen on; the default is this machine alone.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 lets the system choose one.")
    max_upload_mb: int = Field(20, ge=1, le=200, description="Largest request body, in MiB.")
    body_seconds: float = Field(30.0, gt=0, description="How long a request may take to send its picture.")
    allowed_hosts: str = Field(
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
