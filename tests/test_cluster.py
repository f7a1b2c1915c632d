"""The files with which a library runs on a server: compose's profile, Kubernetes, and the users of a Milvus server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click
import pytest
from pymilvus.exceptions import MilvusException
from ruamel.yaml import YAML

from indexer import shelf
from indexer.address import Access
from indexer.errors import StoreUnavailable
from service.cli import main as cli
from service.console.checks import variables
from tests.kit import TOP
from tests.kit.engines.certificates import made
from tests.kit.engines.milvus import MilvusServer
from tests.kit.jobs import Job

if TYPE_CHECKING:
    from indexer.remote.shelf import RemoteShelf

KUBERNETES = TOP / "docker" / "kubernetes"
COMPOSE: dict[str, Any] = YAML(typ="safe").load((TOP / "compose.yaml").read_text("utf-8"))
CLUSTER = {name: each for name, each in COMPOSE["services"].items() if each.get("profiles") == ["cluster"]}
ENGINES = {name: each for name, each in CLUSTER.items() if "build" not in each}
PINNED = re.compile(r".+:\D*\d+[\d.]*\d\S*")


def manifests() -> list[dict[str, Any]]:
    names = ("setup", "parts", "publish", "serve")
    return [
        found
        for name in names
        for found in YAML(typ="safe").load_all((KUBERNETES / f"{name}.yaml").read_text("utf-8"))
    ]


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    for found in manifests():
        if found["kind"] in ("Job", "Deployment"):
            yield found["metadata"]["name"], found["spec"]["template"]["spec"]


def test_engines_are_pinned_watched_and_out_of_reach() -> None:
    assert set(ENGINES) == {"etcd", "minio", "milvus"}
    for name, engine in ENGINES.items():
        assert PINNED.fullmatch(engine["image"]), name
        assert engine["healthcheck"]["test"], name
        assert engine["networks"] == ["engine"], name
        assert "ports" not in engine, name
        assert engine["cap_drop"] == ["ALL"], name
        assert all(":" in volume for volume in engine["volumes"]), name
        assert {volume.split(":")[0] for volume in engine["volumes"]} <= set(COMPOSE["volumes"])
    assert COMPOSE["networks"]["engine"]["internal"] is True
    assert "/milvus:v2.6." in ENGINES["milvus"]["image"]


def test_only_the_services_can_be_reached() -> None:
    networks = {name: service["networks"] for name, service in CLUSTER.items() if name not in ENGINES}
    pages = {name: ["default", "engine"] for name in ("cluster-1", "cluster-2")}
    assert networks == {"users": ["engine"], "cluster-index": ["engine"], **pages}


def test_the_order_is_engines_users_index_services() -> None:
    def waits_for(name: str) -> dict[str, str]:
        return {other: how["condition"] for other, how in CLUSTER[name]["depends_on"].items()}

    done, well = "service_completed_successfully", "service_healthy"
    assert waits_for("milvus") == {"etcd": well, "minio": well}
    assert waits_for("users") == {"milvus": well}
    assert waits_for("cluster-index") == {"users": done}
    assert waits_for("cluster-1") == waits_for("cluster-2") == {"cluster-index": done}
    assert CLUSTER["cluster-1"]["ports"] != CLUSTER["cluster-2"]["ports"]


def test_passwords_are_files() -> None:
    for name, service in CLUSTER.items():
        for variable, value in service.get("environment", {}).items():
            assert not re.search(r"(PASSWORD|SECRET\w*|TOKEN)$", variable), f"{name}: {variable}"
            assert not variable.endswith("_FILE") or value.startswith("/run/secrets/"), f"{name}: {variable}"
        mentioned = set(re.findall(r"/run/secrets/(\w+)", str(service)))
        assert mentioned == set(service.get("secrets", [])), name
    roles = {
        name: CLUSTER[name]["environment"].get("SKETCHSEEK_STORE_TOKEN_FILE")
        for name in CLUSTER
        if name not in ENGINES
    }
    assert roles == {
        "users": None,
        "cluster-index": "/run/secrets/writer",
        "cluster-1": "/run/secrets/reader",
        "cluster-2": "/run/secrets/reader",
    }


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    make_secrets(tmp_path / "secrets")
    return tmp_path / "secrets"


def make_secrets(folder: Path) -> None:
    subprocess.run(["sh", TOP / "docker" / "secrets.sh", folder], check=True, capture_output=True)


def test_secrets_are_made_once(secrets: Path) -> None:
    assert {path.name for path in secrets.iterdir()} == set(COMPOSE["secrets"])
    assert secrets.stat().st_mode & 0o777 == 0o700
    texts = {path.name: path.read_text("utf-8") for path in secrets.iterdir()}
    for name, text in texts.items():
        assert re.fullmatch(rf"({name}:)?[0-9a-f]{{32}}\n", text)
    (secrets / "reader").unlink()
    make_secrets(secrets)
    assert (secrets / "writer").read_text("utf-8") == texts["writer"]
    assert (secrets / "reader").read_text("utf-8") != texts["reader"]


def test_milvus_gets_the_password_of_its_storage(secrets: Path, tmp_path: Path) -> None:
    milvus = tmp_path / "milvus"
    milvus.write_text('#!/bin/sh\necho "$MINIO_SECRET_ACCESS_KEY $*"\n')
    milvus.chmod(0o755)
    shell, option, script = CLUSTER["milvus"]["command"]
    script = script.replace("$$", "$").replace("/run/secrets", str(secrets))
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(
        [shell, option, script], env={**os.environ, "PATH": path}, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{(secrets / 'minio').read_text('utf-8').strip()} run standalone\n"


def test_pods_may_do_little() -> None:
    names = []
    for name, pod in pods():
        names.append(name)
        (container,) = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        assert container["image"] == "sketchseek:cluster"
        assert container["securityContext"] == {
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]
        mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
        assert set(mounts) == {volume["name"] for volume in pod["volumes"]}
        for volume in pod["volumes"]:
            if "secret" in volume or "configMap" in volume or volume["name"] == "photos":
                assert mounts[volume["name"]]["readOnly"] is True
        assert not [each for each in container.get("env", []) if "TOKEN" in each["name"]]
    assert names == ["users", "parts", "publish", "sketchseek"]


def test_the_services_read_only_and_are_asked_what_they_answer() -> None:
    found = dict(pods())["sketchseek"]
    container = found["containers"][0]
    probes = {
        kind: container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "readiness", "liveness")
    }
    assert probes == {"startup": "/livez", "readiness": "/readyz", "liveness": "/livez"}
    assert all(mount.get("readOnly") for mount in container["volumeMounts"] if mount["name"] != "tmp")
    tokens = {
        name: volume["secret"]["secretName"]
        for name, pod in pods()
        for volume in pod["volumes"]
        if volume["name"] == "token"
    }
    assert tokens == {"publish": "store-writer", "sketchseek": "store-reader"}
    (deployment,) = [each for each in manifests() if each["kind"] == "Deployment"]
    assert deployment["spec"]["replicas"] == 2


def test_names_in_the_manifests_are_those_of_the_project() -> None:
    texts = "".join(path.read_text("utf-8") for path in KUBERNETES.glob("*.yaml"))
    assert set(re.findall(r"\bSKETCHSEEK_[A-Z_]+[A-Z]", texts)) <= variables()
    context = click.Context(cli)
    for command, arguments in re.findall(r"exec sketchseek (\w+)([^\]\"]*(?:\"[^\"]*\"[^\]\"]*)*)", texts):
        found = cli.get_command(context, command)
        assert found, command
        known = {option for parameter in found.params for option in parameter.opts}
        assert set(re.findall(r"(?<!\S)--[a-z-]+", arguments)) <= known
    (setup,) = [each for each in manifests() if each["kind"] == "ConfigMap"]
    assert set(setup["data"]) <= variables()


def test_parts_are_numbered_from_one_to_their_number(tmp_path: Path) -> None:
    (job,) = [each for each in manifests() if each["metadata"]["name"] == "parts" and each["kind"] == "Job"]
    container = job["spec"]["template"]["spec"]["containers"][0]
    parts = job["spec"]["completions"]
    assert container["env"] == [{"name": "PARTS", "value": str(parts)}]
    program = tmp_path / "sketchseek"
    program.write_text('#!/bin/sh\necho "$@"\n')
    program.chmod(0o755)
    for index in (0, parts - 1):
        environment = {
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "PARTS": str(parts),
            "JOB_COMPLETION_INDEX": str(index),
        }
        command = [*container["command"], *container["args"]]
        said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        assert f"--partition {index + 1}/{parts} --index /parts/part-{index}\n" in said


def test_milvus_is_pinned_encrypted_and_asks_for_passwords() -> None:
    values = YAML(typ="safe").load((KUBERNETES / "milvus-values.yaml").read_text("utf-8"))
    assert f":{values['image']['all']['tag']}" in ENGINES["milvus"]["image"]
    settings = YAML(typ="safe").load(values["extraConfigFiles"]["user.yaml"])
    assert settings["common"]["security"] == {"authorizationEnabled": True, "tlsMode": 1}
    where = values["volumeMounts"][0]["mountPath"]
    assert all(path.startswith(f"{where}/") for path in settings["tls"].values())
    assert (
        values["minio"]["existingSecret"]
        == values["proxy"]["extraEnv"][0]["valueFrom"]["secretKeyRef"]["name"]
    )
    assert not {"accessKey", "secretKey"} & set(values["minio"])


def make_users(store: str, secrets: Path, ca: Path) -> str:
    done = subprocess.run(
        [
            sys.executable,
            TOP / "docker" / "milvus_users.py",
            *(secrets / name for name in ("root", "writer", "reader")),
        ],
        env={**os.environ, "PYTHONPATH": str(TOP), "SKETCHSEEK_STORE": store, "SKETCHSEEK_STORE_CA": str(ca)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_users_may_what_they_must(
    secrets: Path, tmp_path: Path, quick: Job, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a database apart; what lies elsewhere on the server stays out of their reach."""
    certificate = made(tmp_path / "certificates")
    monkeypatch.setenv("SKETCHSEEK_STORE_TOKEN_FILE", str(secrets / "writer"))
    monkeypatch.setenv("SKETCHSEEK_STORE_CA", str(certificate.authority))
    monkeypatch.setattr("indexer.remote.shelf._GRACE_SECONDS", 0.0)

    def kept(store: str, name: str) -> RemoteShelf:
        token = (secrets / name).read_text("utf-8").strip()
        return cast("RemoteShelf", shelf(store, access=Access(token, certificate.authority)))

    with MilvusServer(tmp_path / "milvus", auth=True, tls=certificate) as server:
        elsewhere, store = server.address("photos"), f"{server.address('gallery')}/photos"
        for _ in range(2):
            assert "reader may what sketchseek_reader may" in make_users(
                store, secrets, certificate.authority
            )
        with pytest.raises(MilvusException, match="Fail connecting"):
            server.client("root:Milvus")
        for _ in range(2):
            next(library.rglob("*.jpg")).unlink()
            quick(library, store=store, accept_deletions=True)
        writer, reader = kept(store, "writer"), kept(store, "reader")
        assert len(reader.open(quick.encoder.fingerprint)) == 13
        assert reader.generations() == ["000002", "000001"]
        assert reader.verify("000002") == []
        for write in (reader.rollback, lambda: reader.prune(1), lambda: reader.remove("000001")):
            with pytest.raises(StoreUnavailable, match="may not do this"):
                write()
        with pytest.raises(StoreUnavailable, match="may not do this"), reader.writing():
            pass
        assert writer.rollback() == ("000002", "000001")
        writer.release()
        assert writer.prune(1) == ["000002"]
        with pytest.raises(StoreUnavailable, match="may not do this"):
            quick(library, store=elsewhere)

        # Once a file has another password, so has the server; and the same name elsewhere is another library.
        (secrets / "reader").unlink()
        make_secrets(secrets)
        make_users(elsewhere, secrets, certificate.authority)
        assert kept(elsewhere, "reader").is_new()
        assert kept(store, "reader").current() == "000001"
        with pytest.raises(StoreUnavailable):
            shelf(store, access=reader.database.connection.access).current()
        for each in (writer, reader):
            each.close()
