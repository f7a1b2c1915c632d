"""The checks of `sketchseek doctor`. Each yields findings, with a fix where there is one.

To add a check, write a function like the ones below and list it in CHECKS.
"""

import difflib
import os
import platform
import shutil
import timeit
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from indexer import shelf, status
from indexer.values import Facts
from model import Encoder, SketchseekError, gpu
from service.asgi import keys
from service.settings import Settings, access

# "note": works, but could be better; "wrong": needs fixing.
State = Literal["ok", "note", "wrong"]
_LEAST_FREE = 2**30
_MEASURED = 0.1
_PACKAGES = ("openvino", "torch", "faiss-cpu", "faiss-gpu-cuvs", "fastapi", "pillow", "numpy")


@dataclass(frozen=True)
class Asked:
    """What to check; `index` is None for the one that `sketchseek serve` would use."""

    index: Path | None
    model: str
    engine: str
    settings: Settings


@dataclass(frozen=True)
class Finding:
    """`mend` (so named in the JSON output) is a command, or what else to do."""

    state: State
    text: str
    mend: str | None = None


_PREFIX = "SKETCHSEEK_"
# Environment variables that are not settings.
_ELSEWHERE = {"SKETCHSEEK_CONFIG", "SKETCHSEEK_KEY", "SKETCHSEEK_TEST_STORE", "SKETCHSEEK_THOROUGH"}

Check = Callable[[Asked], Iterator[Finding]]


def installed(_: Asked) -> Iterator[Finding]:
    """Installed packages and the machine."""
    found = [f"{name} {known}" for name in _PACKAGES if (known := _version(name))]
    here = f"Python {platform.python_version()}, {os.cpu_count()} cores"
    yield Finding(
        "ok", f"sketchseek {_version('sketchseek') or '(no package)'} on {here}; {', '.join(found)}"
    )


def engine(asked: Asked) -> Iterator[Finding]:
    """Load the model and report what runs it."""
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
        yield Finding("ok", f"it embeds about {_rate(encoder):,.0f} photos a second, once they are decoded")
    except SketchseekError as error:
        yield Finding("wrong", str(error))
        return
    try:
        encoder.texts(["a dog"])
        yield Finding("ok", "the model supports text")
    except SketchseekError as error:
        yield Finding("note", f"the model does not support text: {error}", _command_in(str(error)))


def _rate(encoder: Encoder) -> float:
    """Pictures that are encoded in a second, in the smallest batch that is long enough to be measured."""
    count = 1
    while True:
        # The first takes longer; other work makes some of the rest slower, and none faster.
        seconds = min(timeit.repeat(partial(encoder.warm, count), number=1, repeat=6)[1:])
        if seconds > _MEASURED or 2 * count > encoder.batch:
            return count / seconds
        count *= 2


def faiss(_: Asked) -> Iterator[Finding]:
    """Which FAISS is installed; the CPU and GPU packages write into the same folder."""
    cpu, for_gpus = _version("faiss-cpu"), _version("faiss-gpu-cuvs")
    if cpu and for_gpus:
        again = "pip uninstall -y faiss-cpu faiss-gpu-cuvs && pip install 'sketchseek[cpu]' (or [gpu])"
        yield Finding("wrong", "faiss-cpu and faiss-gpu-cuvs have overwritten each other's files", again)
        return
    try:
        import faiss
    except ImportError as error:
        yield Finding("wrong", f"cannot load FAISS ({error})", "pip install 'sketchseek[cpu]'")
        return
    gpus = faiss.get_num_gpus() if hasattr(faiss, "get_num_gpus") else 0
    yield Finding(
        "ok", f"FAISS {faiss.__version__}" + (f", finds {gpus} GPU(s)" if for_gpus else ", for CPUs")
    )
    simd = getattr(faiss, "SIMDConfig", None)
    if simd is not None and simd.get_level_name() == "NONE":
        yield Finding(
            "note", "FAISS finds no vector instructions such as AVX2 on this CPU: searches are slower"
        )


def nvidia_gpu(_: Asked) -> Iterator[Finding]:
    """Whether there is an NVIDIA GPU, and whether torch can use it."""
    if not gpu.seems_there() and shutil.which("nvidia-smi") is None:
        yield Finding("ok", "no NVIDIA GPU found; none is needed")
        return
    if find_spec("torch") is None:
        yield Finding("note", "there is an NVIDIA GPU, but it is not used", "pip install 'sketchseek[gpu]'")
        return
    try:
        found = gpu.find()
    except SketchseekError as error:
        yield Finding("wrong", f"there seems to be an NVIDIA GPU, but {error}", "nvidia-smi")
        return
    memory = f"{found.free >> 20} of {found.total >> 20} MiB free"
    yield Finding("ok", f"{found.device} is a {found.name}, {memory}; torch can use it")


def pictures(_: Asked) -> Iterator[Finding]:
    """Optional picture formats."""
    from PIL import features

    if not features.check("avif"):
        yield Finding("note", "AVIF is not supported", "pip install --upgrade pillow")
    if find_spec("rawpy") is None:
        yield Finding("note", "camera raw files are not supported", "pip install 'sketchseek[raw]'")
    else:
        yield Finding("ok", "camera raw files are supported")


def index_state(asked: Asked) -> Iterator[Finding]:
    """The state of the index, whether it fits the model, and free disk space."""
    where = (asked.index or asked.settings.index).expanduser()
    if asked.settings.store:
        yield Finding("ok", f"{where} is the folder to work in; the library itself is on a server")
        return
    if asked.index is None and not os.path.lexists(where):
        yield Finding("note", f"no index yet at {where}", "sketchseek, and choose your photo folders")
        return
    run = f"sketchseek index --index {where}"
    try:
        found = status(where)
    except (SketchseekError, OSError) as error:
        yield Finding("wrong", str(error), f"sketchseek index FOLDER_OF_PHOTOS --index {where}")
        return
    for trouble in found.troubles:
        yield Finding("wrong", trouble.what, trouble.advice or _command_in(trouble.what) or run)
    if found.generation is None:
        return
    yield Finding("ok", f"{where}: {found.photos} photos, generation {found.generation}, {found.index_type}")
    try:
        kept_on = shelf(where)
        manifest = kept_on.manifest(kept_on.current())
        encoder = Encoder.load(asked.model)
    except SketchseekError:
        return
    if manifest.fingerprint != encoder.fingerprint:
        text = f"the index was made by another model ({found.model}) than {asked.model}"
        yield Finding("wrong", text, f"{run} --model {asked.model}")
    elif encoder.local is not None:
        yield _parts(manifest, encoder.local.digest, run)
    if (free := shutil.disk_usage(where).free) < _LEAST_FREE:
        text = f"only {free / 2**20:.0f} MiB free on the disk of the index"
        yield Finding("wrong", text, f"sketchseek prune 1 --index {where}, or free some space")


def _parts(manifest: Facts, head: str, run: str) -> Finding:
    """Whether searches can compare local parts."""
    if manifest.parts == head and manifest.part_photos == manifest.photos:
        return Finding("ok", f"local parts of all {manifest.photos} photos")
    there = manifest.part_photos if manifest.parts == head else 0
    return Finding("note", f"only {there} of {manifest.photos} photos have local parts for rank=local", run)


def store(asked: Asked) -> Iterator[Finding]:
    """Why the server that holds the library cannot be used, if there is one."""
    if (address := asked.settings.store) == "":
        yield Finding("ok", "the library is in the index folder; no server is needed")
        return
    # Imported late: most have no server, and do without its client.
    from indexer.remote.shelf import RemoteShelf

    try:
        kept_on = shelf(address, access=access(asked.settings))
    except ImportError as error:
        yield Finding("wrong", f"the store needs {error.name}", "pip install 'sketchseek[cluster]'")
        return
    except SketchseekError as error:
        yield Finding("wrong", str(error))
        return
    if not isinstance(kept_on, RemoteShelf):
        yield Finding("wrong", "the store must be a server's address, such as milvus://HOST:19530/NAME")
        return
    for step in kept_on.database.steps():
        yield Finding("ok" if step.good else "wrong", step.text, step.advice)
        if not step.good:
            return
    if not kept_on.is_new():
        for line in kept_on.verify(kept_on.current()):
            yield Finding("wrong", line, f"sketchseek index {kept_on.named}")


def settings(asked: Asked) -> Iterator[Finding]:
    """Settings that are misspelled, contradict each other, or show the photos to others."""
    known = variables()
    for name in sorted(set(os.environ) - known):
        if name.startswith(_PREFIX):
            yield Finding("wrong", f"{name} is not a setting and has no effect", _renamed(name, known))
    try:
        ring = keys.read(asked.settings.api_keys, asked.settings.api_keys_file)
    except SketchseekError as error:
        yield Finding("wrong", str(error), _command_in(str(error)) or "sketchseek key")
        return
    where = asked.settings.host
    if asked.settings.loopback and not ring and asked.settings.proxied:
        text = f"would serve {where} without a key: anyone who can reach its proxy sees the photos"
        yield Finding("note", text, "sketchseek key")
    elif asked.settings.loopback:
        yield Finding("ok", f"would serve this machine only, on {where}:{asked.settings.port}")
    elif ring:
        yield Finding("ok", f"would serve {where}:{asked.settings.port} to anyone with a key")
    elif asked.settings.allow_anyone:
        yield Finding("note", f"would show the photos to anyone who can reach {where}", "sketchseek key")
    else:
        yield Finding(
            "wrong", f"would not start: {where} accepts other machines, and no key is set", "sketchseek key"
        )


def variables() -> set[str]:
    """All environment variables that sketchseek reads."""
    return {f"{_PREFIX}{name.upper()}" for name in Settings.model_fields} | _ELSEWHERE


def _renamed(name: str, known: set[str]) -> str:
    """A command that renames a variable to the setting probably meant."""
    near = difflib.get_close_matches(
        name.removeprefix(_PREFIX), [each.removeprefix(_PREFIX) for each in known], 1
    )
    return f'export {_PREFIX}{near[0]}="${name}"; unset {name}' if near else f"unset {name}"


CHECKS: dict[str, Check] = {
    "installed": installed,
    "engine": engine,
    "faiss": faiss,
    "gpu": nvidia_gpu,
    "pictures": pictures,
    "index": index_state,
    "store": store,
    "settings": settings,
}


def findings(asked: Asked) -> Iterator[tuple[str, Finding]]:
    """Run all checks; one that crashes is a finding, too."""
    for name, check in CHECKS.items():
        try:
            yield from ((name, finding) for finding in check(asked))
        except SketchseekError as error:
            yield name, Finding("wrong", str(error))
        except Exception as error:  # a broken library may raise anything
            yield name, Finding("wrong", f"check failed: {type(error).__name__}: {error}")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _command_in(message: str) -> str | None:
    """The pip command at the end of an error message, if there is one."""
    _, colon, end = message.partition(": pip install")
    return f"pip install{end}" if colon else None
