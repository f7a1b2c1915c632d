"""The files in docs/examples: read by the programs that they are for where these are installed, else parsed."""

import configparser
import json
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from ruamel.yaml import YAML

from service.cli import main
from service.ops.metrics import GAUGES, Metrics
from service.settings import Settings
from tests.kit import TOP

EXAMPLES = TOP / "docs" / "examples"


def read(name: str) -> str:
    return (EXAMPLES / name).read_text("utf-8")


def program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def succeeds(*command: str | Path, **environment: str) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **environment}, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def offered() -> set[str]:
    """The names of all series of GET /metrics."""
    metrics = Metrics()
    metrics.watch(**dict.fromkeys(GAUGES, lambda: 1.0))
    metrics.requests.labels("/search", "POST", "200").inc()
    metrics.seconds.labels("/search").observe(0.01)
    metrics.stage("encode", 0.01)
    families = text_string_to_metric_families(metrics.text().decode())
    return {sample.name for family in families for sample in family.samples}


def expressions(found: Any) -> list[str]:
    """All PromQL in a file, however deep it lies."""
    if isinstance(found, dict):
        own = [found["expr"]] if "expr" in found else []
        return own + [line for value in found.values() for line in expressions(value)]
    return [line for value in found for line in expressions(value)] if isinstance(found, list) else []


@pytest.mark.parametrize("name", ["grafana.json", "alerts.yml"])
def test_dashboard_and_alarms_name_figures_that_are_there(name: str) -> None:
    loaded = json.loads(read(name)) if name.endswith("json") else YAML(typ="safe").load(read(name))
    asked = expressions(loaded)
    named = {word for line in asked for word in re.findall(r"\b(?:sketchseek|process)_[a-z_]+", line)}
    assert len(named) >= 4
    assert named <= offered() | {"sketchseek"}
    assert all(line.count("(") == line.count(")") and line.count("{") == line.count("}") for line in asked)


def test_the_dashboard_shows_every_figure_of_ours() -> None:
    text = read("grafana.json")
    families = {re.sub(r"_(total|bucket|sum|count|created)$", "", name) for name in offered()}
    missing = {name for name in families if name.startswith("sketchseek_") and name not in text}
    assert not missing
    panels = json.loads(text)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.y*ml")), ids=lambda path: path.name)
def test_yaml_is_yaml(path: Path) -> None:
    assert all(YAML(typ="safe").load_all(path.read_text("utf-8")))


def test_kubernetes_probes_ask_what_answers_without_a_key() -> None:
    documents = list(YAML(typ="safe").load_all(read("kubernetes.yaml")))
    kinds = [document["kind"] for document in documents]
    assert kinds == ["PersistentVolumeClaim", "Deployment", "Service", "CronJob"]
    pod = documents[1]["spec"]["template"]["spec"]
    job = documents[3]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    container = pod["containers"][0]
    paths = {container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "readiness", "liveness")}
    assert paths == {"/readyz", "/livez"}
    for spec in (pod, job):
        assert spec["securityContext"]["runAsNonRoot"] is True
        mounted = {mount["name"] for mount in spec["containers"][0]["volumeMounts"]}
        assert mounted == {volume["name"] for volume in spec["volumes"]}
        assert spec["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True
        arguments = spec["containers"][0]["args"]
        assert main.get_command(
            main.make_context("sketchseek", ["--help"], resilient_parsing=True), arguments[0]
        )


def test_the_settings_file_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKETCHSEEK_CONFIG", str(EXAMPLES / "sketchseek.toml"))
    settings = Settings()
    assert settings.access_log
    assert set(tomllib.loads(read("sketchseek.toml"))) <= set(Settings.model_fields)


@pytest.mark.parametrize(
    "name",
    ["sketchseek.service", "sketchseek-index.service", "sketchseek-index.timer", "sketchseek-user.service"],
)
def test_units_of_systemd(name: str) -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None, comment_prefixes=("#",))
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(read(name))
    assert "Unit" in unit
    assert {"Service", "Timer"} & set(unit)


def test_nginx_takes_its_snippet(tmp_path: Path) -> None:
    nginx = program("nginx")
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = [
        program("openssl"),
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "1",
        "-subj",
        "/CN=x",
    ]
    succeeds(*made, "-keyout", key, "-out", certificate)
    snippet = read("nginx.conf")
    snippet = re.sub(r"ssl_certificate .*;", f"ssl_certificate {certificate};", snippet)
    snippet = re.sub(r"ssl_certificate_key .*;", f"ssl_certificate_key {key};", snippet)
    # Ports that a user may take: the check opens them.
    snippet = snippet.replace(":80;", ":0;").replace("listen 80;", "listen 127.0.0.1:18080;")
    snippet = re.sub(r"listen \[::\].*;", "", snippet).replace("listen 443", "listen 127.0.0.1:18443")
    whole = tmp_path / "nginx.conf"
    whole.write_text(
        f"pid {tmp_path}/pid; error_log {tmp_path}/error.log; events {{}} http {{ access_log off; "
        f"client_body_temp_path {tmp_path}/b; proxy_temp_path {tmp_path}/p; fastcgi_temp_path {tmp_path}/f; "
        f"uwsgi_temp_path {tmp_path}/u; scgi_temp_path {tmp_path}/s;\n{snippet}\n}}"
    )
    succeeds(nginx, "-t", "-c", whole, "-e", tmp_path / "error.log")


def test_caddy_takes_its_file(tmp_path: Path) -> None:
    caddy = program("caddy")
    command = ("validate", "--adapter", "caddyfile", "--config", EXAMPLES / "Caddyfile")
    succeeds(caddy, *command, NAME="photos.example.org", HOME=str(tmp_path), XDG_DATA_HOME=str(tmp_path))


def test_bodies_pass_the_proxies_as_far_as_the_service_takes_them() -> None:
    most = Settings.model_fields["max_upload_mb"].default
    for found in (
        re.search(r"client_max_body_size (\d+)m", read("nginx.conf")),
        re.search(r"max_size (\d+)MB", read("Caddyfile")),
    ):
        assert found
        # 24 MB are 22.9 MiB.
        assert int(found[1]) * 1_000_000 > most * 2**20


def test_the_desktop_entry_starts_the_command() -> None:
    entry = configparser.ConfigParser(interpolation=None)
    entry.optionxform = str  # type: ignore[assignment, method-assign]
    entry.read_string(read("sketchseek.desktop"))
    assert entry["Desktop Entry"]["Exec"] == "sketchseek"
    assert {"Type", "Name", "Terminal"} <= set(entry["Desktop Entry"])
    if shutil.which("desktop-file-validate"):
        succeeds("desktop-file-validate", EXAMPLES / "sketchseek.desktop")
