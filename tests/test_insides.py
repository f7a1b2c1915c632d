"""What we rely on inside other libraries is still there, and their next release is not installed unseen."""

import ast
import inspect
import re
import tomllib
from importlib.metadata import version
from types import FunctionType

import pytest
from h11 import _readers
from packaging.requirements import Requirement
from PIL import Image, _avif
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from service.asgi import linear
from service.asgi.connections import Connection
from tests.kit import TOP
from tests.kit.pictures import encoded, scene

PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))["project"]


def gone(library: str, what: str, user: str) -> str:
    """What a failed test says."""
    return (
        f"{library} {version(library)} no longer has {what}, on which {user} relies: "
        f"lower the bound of {library} in pyproject.toml, or adapt {user} and raise it"
    )


def names_of(kind: type) -> set[str]:
    """What a class defines, and what its __init__ sets."""
    made = kind.__dict__["__init__"]
    assert isinstance(made, FunctionType)
    return {*dir(kind), *made.__code__.co_names}


def inherited() -> set[str]:
    """What our connection uses of itself and does not define, or asks of its parent."""
    tree = ast.parse(inspect.getsource(Connection))
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    of_self: set[str] = set()
    of_parent: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "super()":
            of_parent.add(node.attr)
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "self":
            of_self.add(node.attr)
            # What begins with an underscore and is set here is ours; `self.app` replaces uvicorn's.
            if isinstance(node.ctx, ast.Store) and node.attr.startswith("_"):
                own.add(node.attr)
    return (of_self - own) | of_parent


@pytest.mark.parametrize("name", sorted(inherited()))
def test_uvicorn_has_the_parts_of_a_connection(name: str) -> None:
    assert name in names_of(H11Protocol), gone(
        "uvicorn", f"H11Protocol.{name}", "service/asgi/connections.py"
    )


@pytest.mark.parametrize("name", ["body", "response_complete"])
def test_uvicorn_has_the_parts_of_a_request(name: str) -> None:
    assert name in names_of(RequestResponseCycle), gone(
        "uvicorn", f"RequestResponseCycle.{name}", "service/asgi/connections.py"
    )


def test_h11_has_the_pattern_that_is_made_linear() -> None:
    what = "the pattern _readers.header_field_re with blanks before the value"
    linear.install()
    pattern = getattr(getattr(_readers, "header_field_re", None), "pattern", b"")
    assert rb":[ \t]*+(?P<field_value>" in pattern, gone("h11", what, "service/asgi/linear.py")


def test_pillow_tells_the_exif_of_an_avif_before_it_reads_it() -> None:
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    data = encoded(scene(), "AVIF", exif=exif)
    what = "_avif.AvifDecoder with the EXIF third from the end of get_info()"
    decoder = getattr(_avif, "AvifDecoder", None)
    assert decoder, gone("pillow", what, "model/pictures/images.py")
    *_, found, _, _ = decoder(data, "auto", 1).get_info()
    assert b"a camera" in (found or b""), gone("pillow", what, "model/pictures/images.py")


@pytest.mark.parametrize("library", ["h11", "pillow", "uvicorn"])
def test_a_release_that_nobody_has_tried_is_not_installed(library: str) -> None:
    wanted = next(need for need in map(Requirement, PROJECT["dependencies"]) if need.name == library)
    assert wanted.specifier.contains(version(library))
    assert any(bound.operator == "<" for bound in wanted.specifier), f"{library} has no upper bound"


def test_nothing_else_is_taken_from_the_insides_of_others() -> None:
    """Whoever adds a private import adds a test and a bound, too."""
    found = {
        f"{path.relative_to(TOP)}: {line.strip()}"
        for room in ("model", "indexer", "service")
        for path in sorted((TOP / room).rglob("*.py"))
        for line in path.read_text("utf-8").splitlines()
        if re.match(
            r"\s*(from (?!model|indexer|service)[\w.]+ )?import _[a-z]|\s*from \w[\w.]*\._[a-z]", line
        )
    }
    assert found == {"service/asgi/linear.py: from h11 import _readers"}
