"""What `sketchseek doctor` looks at: a list of small checks, each of which finds things and says what mends them.

A check is a function of what was asked that yields findings. To add one, write it and name it in CHECKS.
"""

import difflib
import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from indexer import shelf, status
from model import Encoder, SketchseekError, gpu
from service.asgi import keys
from service.settings import Settings

# Something that works as it is, but could be more; something that hinders; neither.
State = Literal["ok", "note", "wrong"]
_LEAST_FREE = 2**30
_PACKAGES = ("openvino", "torch", "faiss-cpu", "faiss-gpu-cuvs", "fastapi", "pillow", "numpy")


@dataclass(frozen=True)
class Asked:
    """What to look at: the index may be none, if nobody named one."""

    index: Path | None
    model: str
    engine: str
    settings: Settings


@dataclass(frozen=True)
class Finding:
    """`mend` is a command, or what to do."""

    state: State
    text: str
    mend: str | None = None


_PREFIX = "SKETCHSEEK_"
# Read from the environment elsewhere than in the settings.
_ELSEWHERE = {"SKETCHSEEK_CONFIG", "SKETCHSEEK_KEY", "SKETCHSEEK_THOROUGH"}

Check = Callable[[Asked], Iterator[Finding]]


def installed(_: Asked) -> Iterator[Finding]:
    """What is installed, and on what."""
    found = [f"{name} {known}" for name in _PACKAGES if (known := _version(name))]
    here = f"Python {platform.python_version()}, {os.cpu_count()} cores"
    yield Finding(
        "ok", f"sketchseek {_version('sketchseek') or '(no package)'} on {here}; {', '.join(found)}"
    )


def engine(asked: Asked) -> Iterator[Finding]:
    """What runs the model, by loading it."""
    try:
        encoder = Encoder.load(asked.model, engine=asked.engine)
    except SketchseekError as error:
        yield Finding("wrong", str(error), _command_in(str(error)))
        return
    running = encoder.engine
    yield Finding("ok", f"{running.name} on {running.device} runs the model {encoder.card.name}")
    if running.problem:
        yield Finding("note", running.problem)
    try:
        encoder.texts(["a dog"])
        yield Finding("ok", "it reads words")
    except SketchseekError as error:
        yield Finding("note", f"it reads no words: {error}", _command_in(str(error)))


def faiss(_: Asked) -> Iterator[Finding]:
    """Which FAISS; the two kinds of package write into one folder."""
    cpu, for_cards = _version("faiss-cpu"), _version("faiss-gpu-cuvs")
    if cpu and for_cards:
        again = "pip uninstall -y faiss-cpu faiss-gpu-cuvs && pip install 'sketchseek[cpu]' (or [gpu])"
        yield Finding("wrong", "faiss-cpu and faiss-gpu-cuvs have overwritten each other's files", again)
        return
    try:
        import faiss
    except ImportError as error:
        yield Finding("wrong", f"FAISS cannot be loaded ({error})", "pip install 'sketchseek[cpu]'")
        return
    cards = faiss.get_num_gpus() if hasattr(faiss, "get_num_gpus") else 0
    yield Finding(
        "ok", f"FAISS {faiss.__version__}" + (f", sees {cards} GPU(s)" if for_cards else ", for CPUs")
    )


def graphics_card(_: Asked) -> Iterator[Finding]:
    """Whether an NVIDIA card is there, and whether torch can use it."""
    if not gpu.seems_there() and shutil.which("nvidia-smi") is None:
        yield Finding("ok", "no NVIDIA card is seen, and none is needed")
        return
    if find_spec("torch") is None:
        yield Finding("note", "an NVIDIA card is there, and not used", "pip install 'sketchseek[gpu]'")
        return
    try:
        card = gpu.find()
    except SketchseekError as error:
        yield Finding("wrong", f"an NVIDIA card seems to be there, but {error}", "nvidia-smi")
        return
    memory = f"{card.free >> 20} of {card.total >> 20} MiB free"
    yield Finding("ok", f"{card.device} is a {card.name}, {memory}; torch can use it")


def pictures(_: Asked) -> Iterator[Finding]:
    """Kinds of picture beyond those that are always read."""
    from PIL import features

    if not features.check("avif"):
        yield Finding("note", "AVIF is not read", "pip install --upgrade pillow")
    if find_spec("rawpy") is None:
        yield Finding("note", "camera raw files are not read", "pip install 'sketchseek[raw]'")
    else:
        yield Finding("ok", "camera raw files are read")


def index_state(asked: Asked) -> Iterator[Finding]:
    """What the index serves, whether this model may read it, and whether there is room."""
    if asked.index is None:
        yield Finding("note", "no index was named", "sketchseek doctor --index FOLDER")
        return
    run = f"sketchseek index --index {asked.index}"
    try:
        found = status(asked.index)
    except (SketchseekError, OSError) as error:
        yield Finding("wrong", str(error), f"sketchseek index FOLDER_OF_PHOTOS --index {asked.index}")
        return
    for problem in found.problems:
        yield Finding("wrong", problem, _command_in(problem) or run)
    if found.generation is None:
        return
    yield Finding(
        "ok", f"{asked.index}: {found.photos} photos, generation {found.generation}, {found.index_type}"
    )
    try:
        kept_on = shelf(asked.index)
        theirs = kept_on.manifest(kept_on.current()).fingerprint
        ours = Encoder.load(asked.model).fingerprint
    except SketchseekError:
        return
    if theirs != ours:
        yield Finding("wrong", f"it was made by another model than {asked.model}, as {found.model}", run)
    if (free := shutil.disk_usage(asked.index).free) < _LEAST_FREE:
        text = f"only {free / 2**20:.0f} MiB are free where the index is"
        yield Finding("wrong", text, f"sketchseek prune 1 --index {asked.index}, or make room")


def settings(asked: Asked) -> Iterator[Finding]:
    """Settings that are misspelled, contradict one another, or show the photos to others."""
    known = variables()
    for name in sorted(set(os.environ) - known):
        if name.startswith(_PREFIX):
            yield Finding("wrong", f"{name} is no setting, and does nothing", _renamed(name, known))
    try:
        ring = keys.read(asked.settings.api_keys, asked.settings.api_keys_file)
    except SketchseekError as error:
        yield Finding("wrong", str(error), _command_in(str(error)) or "sketchseek key")
        return
    where = asked.settings.host
    if asked.settings.loopback and not ring and asked.settings.proxied:
        text = f"would serve {where} without a key: whoever reaches the proxy before it sees the photos"
        yield Finding("note", text, "sketchseek key")
    elif asked.settings.loopback:
        yield Finding("ok", f"would serve this machine alone, on {where}:{asked.settings.port}")
    elif ring:
        yield Finding("ok", f"would serve {where}:{asked.settings.port}, to whoever has a key")
    elif asked.settings.allow_anyone:
        yield Finding("note", f"would show the photos to whoever reaches {where}", "sketchseek key")
    else:
        yield Finding(
            "wrong", f"would not start: {where} is beyond this machine, and no key is set", "sketchseek key"
        )


def variables() -> set[str]:
    """All that sketchseek reads from the environment."""
    return {f"{_PREFIX}{name.upper()}" for name in Settings.model_fields} | _ELSEWHERE


def _renamed(name: str, known: set[str]) -> str:
    """To the setting that was probably meant."""
    near = difflib.get_close_matches(
        name.removeprefix(_PREFIX), [each.removeprefix(_PREFIX) for each in known], 1
    )
    return f'export {_PREFIX}{near[0]}="${name}"; unset {name}' if near else f"unset {name}"


CHECKS: dict[str, Check] = {
    "installed": installed,
    "engine": engine,
    "faiss": faiss,
    "gpu": graphics_card,
    "pictures": pictures,
    "index": index_state,
    "settings": settings,
}


def findings(asked: Asked) -> Iterator[tuple[str, Finding]]:
    """All of them; a check that fails by itself is a finding, too."""
    for name, check in CHECKS.items():
        try:
            yield from ((name, finding) for finding in check(asked))
        except Exception as error:  # a broken library raises what it likes
            yield name, Finding("wrong", f"could not be looked at: {type(error).__name__}: {error}")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _command_in(message: str) -> str | None:
    """Our messages end with what to do: after a colon, where it is a command."""
    _, colon, end = message.partition(": pip install")
    return f"pip install{end}" if colon else None
