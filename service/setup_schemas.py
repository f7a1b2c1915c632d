"""Schemas of /admin: the photo folders, and what is being done with them."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from service.listings import Answer
from service.schemas import LastRun

State = Literal["empty", "running", "paused", "idle", "failed"]


class Folder(Answer):
    """A photo folder of the library."""

    path: str = Field(examples=["/home/me/Pictures"])
    photos: int = Field(description="Photos of it that are recorded so far.")
    missing: bool = Field(description="Whether it is not there now; perhaps its drive is not mounted.")


class Doing(Answer):
    """How far a run has come."""

    what: str = Field(description="What it counts: `photos`, or a step such as `indexing`.")
    done: int
    photos: int = Field(description="How many there are.")
    per_second: float | None = None
    seconds_left: float | None = None


class LibraryState(Answer):
    """The photo folders, and what is being done with them."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "index": "/home/me/.local/share/sketchseek/index",
                    "configured": True,
                    "watching": True,
                    "state": "running",
                    "folders": [{"path": "/home/me/Pictures", "photos": 512, "missing": False}],
                    "progress": {
                        "what": "photos",
                        "done": 512,
                        "photos": 1024,
                        "per_second": 81.5,
                        "seconds_left": 6.3,
                    },
                    "published": 400,
                    "problem": None,
                    "last_run": None,
                }
            ]
        }
    )

    index: str = Field(description="The index folder.")
    configured: bool = Field(description="Whether it has photo folders.")
    watching: bool = Field(description="Whether changes in them start a run.")
    state: State
    folders: list[Folder]
    progress: Doing | None
    published: int = Field(description="Photos that can be searched now.")
    problem: str | None = Field(description="What went wrong last, and what to do.")
    last_run: LastRun | None


class Chosen(BaseModel):
    """A photo folder to add."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"path": "/home/me/Pictures"}]})

    path: str = Field(max_length=4096)


class Below(Answer):
    """A folder in a folder."""

    name: str
    path: str
    hidden: bool


class Start(Answer):
    """A place to begin looking."""

    name: str = Field(examples=["Home", "Pictures"])
    path: str


class Listing(Answer):
    """The folders in a folder; without one, only where to begin."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "path": "/home/me",
                    "parent": None,
                    "folders": [{"name": "Pictures", "path": "/home/me/Pictures", "hidden": False}],
                    "places": [{"name": "Home", "path": "/home/me"}],
                    "problem": None,
                }
            ]
        }
    )

    path: str
    parent: str | None = Field(description="The folder around it, unless that lies outside all places.")
    folders: list[Below]
    places: list[Start]
    problem: str | None


class Count(Answer):
    """How many photos a folder seems to hold, by their names."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"photos": 1684, "skipped": 23, "complete": True, "problem": None}]}
    )

    photos: int
    skipped: int = Field(description="Files that are no photos by their names.")
    complete: bool = Field(description="False if there are more: counting stops after two seconds.")
    problem: str | None = Field(description="Why the folder cannot be added, if so.")
