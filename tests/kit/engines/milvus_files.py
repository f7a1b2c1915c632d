"""What a Milvus server of the tests is made of: the binaries of PyPI's wheel, unpacked once, and its configuration."""

from __future__ import annotations

import fcntl
import importlib.util
import json
import lzma
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.kit.engines.certificates import Certificate

VERSION = "2.3.5"
PORTS = (
    *("proxy", "proxy_internal", "root_coord", "query_coord", "query_node", "index_coord", "index_node"),
    *("data_coord", "data_node", "etcd", "etcd_peer", "metrics"),
)


def configured(folder: Path, ports: Mapping[str, int], auth: bool, tls: Certificate | None) -> Path:
    """The wheel's own configuration with a few values of ours. JSON is YAML."""
    configs, data = folder / "configs", folder / "data"
    configs.mkdir(parents=True, exist_ok=True)
    data.mkdir(exist_ok=True)
    values: dict[str, Any] = {f"{name}_port": ports[name] for name in PORTS}
    values |= {
        "etcd_log_path": folder / "etcd.log",
        "etcd_log_level": "warn",
        "system_log_path": folder / "logs",
        "etcd_data_dir": data / "etcd",
        "local_storage_dir": data,
        "rocksmq_data_dir": data / "rocksmq",
        "authorization_enabled": str(auth).lower(),
    }
    if tls:
        values |= {
            "tls_mode": 1,
            "server_pem_path": tls.certificate,
            "server_key_path": tls.key,
            "ca_pem_path": tls.authority,
        }
    settings = _template(values)
    settings["etcd"]["config"] = {"path": str(configs / "etcd.yaml")}
    settings["log"]["level"] = "warn"
    # A server killed is away for its peers after so many seconds; and one told to stop gives up after those.
    settings["common"]["session"]["ttl"] = 5
    settings["common"]["gracefulStopTimeout"] = 5
    (configs / "milvus.yaml").write_text(json.dumps(settings))
    peer, client = (f"http://127.0.0.1:{ports[name]}" for name in ("etcd_peer", "etcd"))
    etcd = {
        "name": "default",
        "data-dir": str(data / "etcd"),
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"default={peer}",
    }
    (configs / "etcd.yaml").write_text(json.dumps(etcd))
    shutil.copy(_wheel() / "glog.conf", configs)
    return configs


def _template(values: Mapping[str, Any]) -> dict[str, Any]:
    """`{{ name(type): default }}` stands where a value belongs."""

    def filled(found: re.Match[str]) -> str:
        name, _, default = found[1].partition(":")
        return str(values.get(name.split("(")[0].strip(), default.strip()))

    text = (_wheel() / "config.yaml.template").read_text("utf-8")
    settings: dict[str, Any] = YAML(typ="safe").load(re.sub(r"\{\{(.*?)\}\}", filled, text))
    return settings


def _wheel() -> Path:
    # Importing the package would prepare a server of its own.
    found = importlib.util.find_spec("milvus")
    origin = found and found.origin
    assert origin, "there is no Milvus server: pip install 'sketchseek[dev]'"
    return Path(origin).parent / "data"


def unpacked() -> Path:
    """The folder of the server's binaries, 250 MB, unpacked once for this user and machine."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sketchseek-tests"
    folder = cache / f"milvus-{VERSION}"
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with _alone(cache / f"milvus-{VERSION}.lock"):
        if not folder.is_dir():
            unfinished = cache / f"milvus-{VERSION}.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            for packed in sorted((_wheel() / "bin").glob("*.lzma")):
                with lzma.open(packed) as source, (unfinished / packed.stem).open("wb") as target:
                    shutil.copyfileobj(source, target, 1 << 20)
                (unfinished / packed.stem).chmod(0o755)
            unfinished.rename(folder)
    return folder


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
