"""A real Milvus server for tests: that of PyPI (2.3.5), with ports, etcd and data of its own.

`with MilvusServer(folder) as server:` starts one; it writes below `folder`, which should lie on a disk. The fixture
`milvus_server` is one for all tests of a worker, or the one that SKETCHSEEK_TEST_STORE names.
"""

from __future__ import annotations

import base64
import os
import signal
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import grpc

from tests.kit.engines.certificates import Certificate
from tests.kit.engines.milvus_files import PORTS, configured, unpacked
from tests.kit.engines.process import DiedError, Ports, Process

if TYPE_CHECKING:
    from pymilvus import MilvusClient

ROOT = "root:Milvus"


@dataclass(frozen=True)
class Milvus:
    """Where a server is, and how to speak with it."""

    host: str
    port: int
    token: str = ""
    authority: Path | None = None
    """Of its certificate; with one, all traffic is encrypted."""

    @property
    def url(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def uri(self) -> str:
        """As pymilvus wants it."""
        return f"{'https' if self.authority else 'http'}://{self.url}"

    def address(self, name: str) -> str:
        """As sketchseek wants it."""
        return f"milvus{'+tls' if self.authority else ''}://{self.url}/{name}"

    def client(self, token: str | None = None, authority: Path | None = None) -> MilvusClient:
        """On a connection of its own: pymilvus shares them, and so a wrong token may pass."""
        from pymilvus import MilvusClient

        trusted = authority or self.authority
        # By this name it trusts an authority; by `ca_pem_path` only together with a certificate of the client.
        options = {"secure": True, "server_pem_path": str(trusted)} if trusted else {}
        token = self.token if token is None else token
        return MilvusClient(self.uri, token=token, timeout=10, dedicated=True, **options)

    def drop(self, prefix: str) -> None:
        """Everything whose name begins like this, whatever alias points to it."""
        client = self.client()
        try:
            for name in client.list_collections():
                if name.startswith(prefix):
                    for alias in client.list_aliases(name)["aliases"]:
                        client.drop_alias(alias)
                    client.drop_collection(name)
        finally:
            client.close()

    @classmethod
    def elsewhere(cls, environment: Mapping[str, str] = os.environ) -> Milvus | None:
        """The server that SKETCHSEEK_TEST_STORE names, with the token and the authority that sketchseek would use."""
        if not (address := environment.get("SKETCHSEEK_TEST_STORE")):
            return None
        parts = urlsplit(address)
        assert parts.scheme in ("milvus", "milvus+tls"), (
            f"SKETCHSEEK_TEST_STORE is no milvus:// address: {address}"
        )
        authority = None
        if parts.scheme == "milvus+tls":
            authority = Path(environment.get("SKETCHSEEK_STORE_CA", "/etc/ssl/certs/ca-certificates.crt"))
        token = environment.get("SKETCHSEEK_STORE_TOKEN", "")
        return cls(parts.hostname or "127.0.0.1", parts.port or 19530, token, authority)


class MilvusServer:
    """One of the test's own, to be stopped, killed and restarted. It keeps its ports and its data."""

    def __init__(self, folder: Path, *, auth: bool = False, tls: Certificate | None = None) -> None:
        self.folder, self._auth, self._tls = folder, auth, tls
        self._ports = Ports(PORTS)
        self._process: Process | None = None
        # Somebody has its address: it keeps it.
        self._known = False

    @property
    def milvus(self) -> Milvus:
        authority = self._tls.authority if self._tls else None
        return Milvus("127.0.0.1", self._ports["proxy"], ROOT if self._auth else "", authority)

    @property
    def url(self) -> str:
        return self.milvus.url

    @property
    def uri(self) -> str:
        return self.milvus.uri

    def address(self, name: str) -> str:
        return self.milvus.address(name)

    def client(self, token: str | None = None, authority: Path | None = None) -> MilvusClient:
        return self.milvus.client(token, authority)

    @property
    def metrics(self) -> str:
        """The page of its own health and figures, always plain HTTP."""
        return f"http://127.0.0.1:{self._ports['metrics']}"

    @property
    def process(self) -> Process:
        assert self._process, "the server has not been started"
        return self._process

    def start(self) -> None:
        """Returns when it answers; loads of collections that were loaded may take it a little longer."""
        for attempt in range(3):
            if attempt or self._ports.taken():
                self._move()
            try:
                self._start()
                self._known = True
                return
            except DiedError:
                # Perhaps of a port that another program took between our look and Milvus's.
                if self._known or attempt == 2:
                    raise

    def _move(self) -> None:
        """To other ports, as long as nobody has the address."""
        assert not self._known, f"another program listens on a port of the server at {self.url}"
        self._ports.close()
        self._ports = Ports(PORTS)

    def _start(self) -> None:
        binary = unpacked() / "milvus"
        configuration = configured(
            self.folder, {name: self._ports[name] for name in PORTS}, self._auth, self._tls
        )
        self._process = Process(
            [binary, "run", "standalone"],
            self.folder / "milvus.log",
            folder=self.folder,
            environment={
                "DEPLOY_MODE": "STANDALONE",
                "LD_LIBRARY_PATH": str(binary.parent),
                "METRICS_PORT": str(self._ports["metrics"]),
                "MILVUSCONF": str(configuration),
                "MILVUS_RUN_DIR": str(self.folder / "run"),
            },
        )
        self._process.until(self._healthy)
        self._process.until(self._answers)

    def kill(self) -> None:
        """As by kill -9."""
        if self._process:
            self._process.kill()

    def stop(self) -> None:
        """For good. Asked politely it would take its time; what is on its disk must do without that anyway."""
        self.kill()
        self._ports.close()

    def restart(self) -> None:
        self.kill()
        self.start()

    def pause(self) -> None:
        """As a machine that hangs: connections stand, and nothing is answered."""
        self.process.send(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send(signal.SIGCONT)

    def __enter__(self) -> MilvusServer:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.metrics}/healthz", timeout=10) as answer:
                return bool(answer.read().strip() == b"OK")
        except OSError:
            return False

    def _answers(self) -> bool:
        """Asked below pymilvus, which would keep the connection for others."""
        from pymilvus.grpc_gen.milvus_pb2 import CheckHealthRequest, ShowCollectionsRequest
        from pymilvus.grpc_gen.milvus_pb2_grpc import MilvusServiceStub

        with self._channel() as channel:
            stub = MilvusServiceStub(channel)
            who = [("authorization", base64.b64encode(ROOT.encode()).decode())]
            try:
                shown = stub.ShowCollections(ShowCollectionsRequest(), timeout=10, metadata=who)
                health = stub.CheckHealth(CheckHealthRequest(), timeout=10, metadata=who)
            except grpc.RpcError:
                return False
            return bool(shown.status.code == 0 and health.isHealthy)

    def _channel(self) -> grpc.Channel:
        if not self._tls:
            return grpc.insecure_channel(self.url)
        return grpc.secure_channel(self.url, grpc.ssl_channel_credentials(self._tls.authority.read_bytes()))
