"""The parts of the containers that can be checked without building one; `make containers` builds them."""

import os
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from service.settings import Settings
from tests.kit import TOP
from tests.kit.service.servers import LiveServer

DOCKERFILE = (TOP / "docker" / "Dockerfile").read_text("utf-8")
COMPOSE: dict[str, Any] = YAML(typ="safe").load((TOP / "compose.yaml").read_text("utf-8"))


def check_schema(file: Path) -> subprocess.CompletedProcess[str]:
    command = ["-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(file)]
    return subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("file", ["compose.yaml", "docs/examples/compose.public.yaml"])
def test_compose_fits_its_schema(file: str) -> None:
    done = check_schema(TOP / file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_schema_notices_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services: {page: {read_onyl: true}}")
    assert check_schema(tmp_path / "compose.yaml").returncode == 1


# They reach the server of the library, and nothing else; test_cluster.py says so.
WITHOUT_A_PAGE = {"users", "cluster-index"}
# Ours; tests/test_cluster.py is for what others made.
OURS = sorted(name for name, service in COMPOSE["services"].items() if "build" in service)


@pytest.mark.parametrize("name", OURS)
def test_every_service_is_confined(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert set(service["deploy"]["resources"]["limits"]) == {"memory", "pids"}
    photos = next(volume for volume in service["volumes"] if volume["target"] == "/photos")
    assert photos["read_only"] is True
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert bool(service.get("ports")) != (service.get("network_mode") == "none" or name in WITHOUT_A_PAGE)


def test_compose_up_alone_starts_only_what_needs_nothing() -> None:
    profiles = {name: service.get("profiles") for name, service in COMPOSE["services"].items()}
    assert {name for name, found in profiles.items() if found is None} == {"index", "page"}
    assert {name: found for name, found in profiles.items() if found not in (None, ["cluster"])} == {
        "reindex": ["job"],
        "index-gpu": ["gpu"],
        "gpu": ["gpu"],
    }
    targets = {COMPOSE["services"][name]["build"]["target"] for name in OURS}
    assert targets <= set(re.findall(r"^FROM \S+ AS (\S+)$", DOCKERFILE, re.MULTILINE))
    known = {f"SKETCHSEEK_{setting.upper()}" for setting in Settings.model_fields}
    assert all(set(COMPOSE["services"][name].get("environment", {})) <= known for name in OURS)


def test_what_the_images_copy_is_there_and_let_through() -> None:
    copied = [
        word
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for word in line.split()[:-1]
    ]
    let = [line[1:] for line in (TOP / ".dockerignore").read_text("utf-8").splitlines() if line[:1] == "!"]
    assert {"pyproject.toml", "model", "indexer", "service"} <= set(copied)
    for name in copied:
        assert (TOP / name).exists(), name
        assert any(fnmatch(name, pattern) or name.startswith(f"{pattern}/") for pattern in let), name


def test_the_images_are_those_of_this_version() -> None:
    project = (TOP / "pyproject.toml").read_text("utf-8")
    version = re.search(r'^version = "(.+)"$', project, re.MULTILINE)
    assert version
    assert f"ARG VERSION={version[1]}\n" in DOCKERFILE
    assert re.search(r"^USER 10001:10001$", DOCKERFILE, re.MULTILINE)
    assert len(re.findall(r"org\.opencontainers\.image\.\w+=", DOCKERFILE)) >= 7


def healthy(port: int, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, TOP / "docker" / "healthcheck.py"],
        env={**os.environ, "SKETCHSEEK_PORT": str(port), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_health_check_asks_the_service(live_server: LiveServer) -> None:
    port = int(live_server.url.rpartition(":")[2])
    well = healthy(port, HTTP_PROXY="http://127.0.0.1:9")
    assert (well.returncode, '"ready":true' in well.stdout) == (0, True)
    # Under a name that the service does not go by, it is refused like anyone.
    misnamed = healthy(port, SKETCHSEEK_ALLOWED_HOSTS="photos.example.org, localhost")
    assert (misnamed.returncode, "not ready" in misnamed.stderr) == (1, True)
    assert healthy(1).returncode == 1


def test_the_image_of_the_cluster_has_the_client_of_milvus() -> None:
    command = [sys.executable, TOP / "docker" / "requirements.py", "cpu", "raw", "cluster"]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=True)
    assert "pymilvus>=2.6" in done.stdout
    assert "python3 requirements.py cpu raw cluster >" in DOCKERFILE


def test_requirements_are_those_of_the_project() -> None:
    command = [sys.executable, TOP / "docker" / "requirements.py", "cpu", "raw"]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=True)
    names = [re.split(r"[>=<!]", line)[0] for line in done.stdout.splitlines()]
    assert {"fastapi", "openvino", "faiss-cpu", "rawpy"} <= set(names)
    assert not {"torch", "transformers", "faiss-gpu-cuvs", "pymilvus"} & set(names)


def test_scripts_are_shell() -> None:
    for script in ("check.sh", "inside.sh", "secrets.sh", "slim.sh"):
        done = subprocess.run(["bash", "-n", TOP / "docker" / script], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
