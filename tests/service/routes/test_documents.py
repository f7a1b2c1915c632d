"""docs/api.md, the OpenAPI document, the table of codes and the service itself say the same."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from service import listings, schemas
from service.asgi.keys import make
from service.client import Client
from service.codes import CODES
from service.explaining import schemas as explaining
from service.search.parameters import PARAMETERS
from service.search.query import PICTURES
from tests.kit import TOP
from tests.kit.service.asking import PNG
from tests.kit.service.servers import LiveServer, listening
from tests.kit.shapes import picture

PAGE = (TOP / "docs" / "api.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SHAPES = {
    name: shape
    for name, shape in (vars(schemas) | vars(listings) | vars(explaining)).items()
    if isinstance(shape, type) and issubclass(shape, schemas.BaseModel)
    if shape not in (schemas.BaseModel, schemas.Answer)
}


@dataclass(frozen=True)
class Desk:
    """Where a reader of the page sits: a folder with pictures, and a service with keys."""

    folder: Path
    environment: dict[str, str]


@pytest.fixture
def desk(own_server: LiveServer, tmp_path: Path) -> Iterator[Desk]:
    key, entry = make(admin=True)
    folder = tmp_path / "desk"
    folder.mkdir()
    (folder / "fish.png").write_bytes(PNG)
    picture("mug", 1).save(folder / "car.jpg")
    # The command that the page shows, from where these tests run.
    program = folder / "sketchseek"
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{TOP}" exec "{sys.executable}" -m service.cli "$@"\n')
    program.chmod(0o755)
    with listening(own_server.gallery, api_keys=entry) as url, Client(url, key=key) as client:
        found = client.search(sketch=PNG, k=1).results[0].id
        said = {"URL": url, "KEY": key, "ID": found, "PATH": f"{folder}:{os.environ['PATH']}"}
        yield Desk(folder, said)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_commands_of_the_page_work(desk: Desk) -> None:
    blocks = [text for kind, text in BLOCKS if kind == "sh"]
    assert len(blocks) > 4
    # curl itself would call an error an answer.
    script = "set -e\n" + "".join(blocks).replace("curl -sS", "curl -sS --fail-with-body")
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=desk.folder, env={**os.environ, **desk.environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-500:] + done.stderr
    assert done.stdout.count('"results"') == 5
    assert (desk.folder / "large.webp").read_bytes()[8:12] == b"WEBP"
    assert (desk.folder / "collage.png").read_bytes()[1:4] == b"PNG"


def test_the_python_of_the_page_works(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(desk.folder)
    for name in ("URL", "KEY"):
        monkeypatch.setenv(name, desk.environment[name])
    names: dict[str, Any] = {}
    for kind, text in BLOCKS:
        if kind == "python":
            exec(compile(text, "docs/api.md", "exec"), names)
    names["client"].close()
    assert "422 empty_query nothing to search for" in capsys.readouterr().out
    assert names["photo"].media_type == "image/jpeg"
    assert names["collage"][1:4] == b"PNG"


def test_answers_on_the_page_are_the_document_s_examples() -> None:
    examples = [shape.model_json_schema()["examples"][0] for shape in SHAPES.values()]
    shown = [json.loads(text) for kind, text in BLOCKS if kind == "json"]
    assert len(shown) > 5
    assert [one for one in shown if one not in examples] == []


def test_the_table_of_parameters_says_what_their_declarations_say() -> None:
    table = PAGE.partition("| field | default | meaning |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (`.*?) \| (.*?) ?\| (.*) \|$", table, re.MULTILINE)
    shown = {name: (default, text) for names, default, text in rows for name in re.findall(r"`(\w+)`", names)}
    assert list(shown) == [*PICTURES, *PARAMETERS]
    for name in PARAMETERS:
        parameter, (default, text) = PARAMETERS.load(name), shown[name]
        assert default == ("" if parameter.default is None else str(parameter.default).lower()), name
        # Zero as the least goes without saying.
        bounds = {parameter.least or None, parameter.most, parameter.longest if name == "text" else None}
        assert {f"{bound:g}" for bound in bounds - {None}} <= set(re.findall(r"-?\d+", text)), name


def test_examples_are_of_their_shape() -> None:
    for name, shape in SHAPES.items():
        for example in shape.model_json_schema()["examples"]:
            assert shape.model_validate(example).model_dump() == example, name


def test_codes_are_the_same_on_the_page_and_in_the_source() -> None:
    rows = re.findall(r"^\| (\d{3}) \| `(\w+)` \| (.*) \|$", PAGE, re.MULTILINE)
    assert [(int(status), code, text) for status, code, text in rows] == [
        (code.status, name, code.meaning) for name, code in CODES.items()
    ]
    raised = set(_raised())
    assert raised <= set(CODES)
    # Those that the source names in tables rather than where they are raised.
    indirect = {"empty_drawing", "bad_image", "not_found", "method_not_allowed"}
    assert set(CODES) - raised == indirect


def _raised() -> Iterator[str]:
    for path in (TOP / "service").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "ServiceError"):
                continue
            match node.args:
                case [ast.Constant(value=str(code)), *_]:
                    yield code


def test_the_document_has_examples_of_every_request_answer_and_error(live_server: LiveServer) -> None:
    document = httpx.get(f"{live_server.url}/openapi.json").json()
    shapes = document["components"]["schemas"]
    assert {"bearer", "header"} == set(document["components"]["securitySchemes"])
    seen: set[str] = set()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                assert content.get("examples") or content.get("example")
            for status, answer in operation["responses"].items():
                for kind, content in answer.get("content", {}).items():
                    where = f"{method} {path} {status} {kind}"
                    if kind == "application/json":
                        assert shapes[content["schema"]["$ref"].split("/")[-1]]["examples"], where
                    elif kind == "application/problem+json":
                        for code, example in content["examples"].items():
                            problem = schemas.Problem.model_validate(example["value"])
                            assert (problem.code, problem.status) == (code, int(status)), where
                            seen.add(code)
    never_sent = {"client_gone", "photo_cut"}
    of_no_route = {"not_found", "method_not_allowed"}
    assert set(CODES) - seen == never_sent | of_no_route
