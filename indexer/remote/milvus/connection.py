"""The connection to a Milvus server: made when first needed, with errors in words that say what to do."""

import logging
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import grpc
from pymilvus import MilvusClient, MilvusException
from pymilvus.grpc_gen.milvus_pb2 import ConnectRequest
from pymilvus.grpc_gen.milvus_pb2_grpc import MilvusServiceStub

from indexer.address import TOKEN, Access, Address
from indexer.errors import IndexProblem, StoreUnavailable
from indexer.remote.guard import Guard
from model import SketchseekError

T = TypeVar("T")
PORT = 19530
# For what takes the server longer than a search: creating, flushing, indexing.
ADMIN_SECONDS = 60.0
_CONNECT, _NO_COLLECTION, _NOT_LOADED, _NO_ALIAS = 2, 100, 101, 1600
_ROOM = ("quota", "no space left", "disk", "memory")
# It logs a traceback for each error that it raises.
logging.getLogger("pymilvus").setLevel(logging.CRITICAL)


class Connection:
    """Thread-safe. A server that was away is found again when it is back."""

    def __init__(self, address: Address, access: Access) -> None:
        self.address, self.access = address, access
        self.guard = Guard(self.explain)
        self._client: MilvusClient | None = None
        self._lock = threading.Lock()

    @property
    def client(self) -> MilvusClient:
        with self._lock:
            if self._client is None:
                self._client = self._connected()
            return self._client

    @property
    def database(self) -> str:
        """The database on the server; empty for its default."""
        return "" if self.address.scheme.endswith("+lite") else self.address.above.strip("/")

    def directly(self, call: str, request: Any, timeout: float) -> Any:
        """One of Milvus's own calls, for those that pymilvus makes slow."""
        # Milvus takes the database from here, also for the rights in it; not all requests can name it.
        where = (("dbname", self.database),)
        return getattr(self.client._handler._stub, call)(request, timeout=timeout, metadata=where)

    def call(self, ask: Callable[[MilvusClient], T]) -> T:
        """A search or a lookup, on behalf of somebody who waits."""
        return self.guard(lambda: ask(self.client))

    @contextmanager
    def plainly(self) -> Iterator[MilvusClient]:
        """Anything else; errors are explained, and nothing is tried twice."""
        try:
            yield self.client
        except Exception as error:
            if (meaning := self.explain(error)) is None:
                raise
            raise meaning from None

    def explain(self, error: Exception) -> Exception | None:
        """What an error means; None if it is none of Milvus's."""
        if isinstance(error, SketchseekError):
            return None
        if isinstance(error, grpc.RpcError):
            return self._of_grpc(error)
        if isinstance(error, MilvusException):
            return self._of_milvus(error)
        if isinstance(error, grpc.FutureTimeoutError):
            return self._silent()
        return None

    def hangs(self) -> bool:
        """Whether a server that accepts connections answers no call, with whatever password."""
        address, options = self.address, (("grpc.enable_retries", 0),)
        target = f"{address.host}:{address.port or PORT}"
        if address.scheme.endswith("+tls"):
            ca = self.access.ca.read_bytes() if self.access.ca else None
            channel = grpc.secure_channel(target, grpc.ssl_channel_credentials(ca), options=options)
        else:
            channel = grpc.insecure_channel(target, options=options)
        with channel:
            try:
                MilvusServiceStub(channel).Connect(ConnectRequest(), timeout=max(2.0, self.access.timeout))
            except grpc.RpcError as error:
                return isinstance(error, grpc.Call) and error.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        return False

    def close(self) -> None:
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _connected(self) -> MilvusClient:
        address, access = self.address, self.access
        secure = address.scheme.endswith("+tls")
        if address.scheme.endswith("+lite"):
            uri = f"{address.above}"
        else:
            host = f"[{address.host}]" if ":" in address.host else address.host
            uri = f"{'https' if secure else 'http'}://{host}:{address.port or PORT}"
        token = access.token
        if address.user and ":" not in token:
            token = f"{address.user}:{token}"
        # gRPC brings its own list of authorities; trust those of the system instead, as every other program here.
        trusted = access.ca or ssl.get_default_verify_paths().cafile
        more: dict[str, Any] = {"server_pem_path": str(trusted)} if secure and trusted else {}
        # Not shared with others: pymilvus would let a wrong password pass on a connection that is open.
        return MilvusClient(
            uri, token=token, db_name=self.database, timeout=max(access.timeout, 1.0), dedicated=True, **more
        )

    def _of_grpc(self, error: grpc.RpcError) -> Exception:
        code = error.code() if isinstance(error, grpc.Call) else None
        if code == grpc.StatusCode.UNAVAILABLE:
            return StoreUnavailable(f"{self.address}: the Milvus server does not answer", at_once=True)
        if code == grpc.StatusCode.DEADLINE_EXCEEDED:
            return self._silent()
        if code in (grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED):
            return self._denied()
        said = error.details() if isinstance(error, grpc.Call) else str(error)
        return StoreUnavailable(f"{self.address}: Milvus: {_line(said)}")

    def _of_milvus(self, error: MilvusException) -> Exception:
        said, code = _line(error.message), error.code
        lower = said.lower()
        if isinstance(code, grpc.StatusCode) or "retry timeout" in lower or "deadline exceeded" in lower:
            return self._silent()
        if code == _CONNECT:
            return StoreUnavailable(
                f"{self.address}: no connection to a Milvus server there, or it refuses the password or certificate; "
                f"find out which with: sketchseek doctor --store {self.address}"
            )
        if code == _NOT_LOADED or "not loaded" in lower or "not fully loaded" in lower:
            return StoreUnavailable(f"{self.address}: the server is still loading the library")
        if code == _NO_COLLECTION or "collection not found" in lower:
            return StoreUnavailable(f"{self.address}: the generation was removed from the server")
        if "permission deny" in lower or "permissiondenied" in lower or "privilege" in lower:
            return self._denied()
        if any(word in lower for word in _ROOM):
            return IndexProblem(
                f"{self.address}: the server has no room ({said}); give it more, and run this again"
            )
        if "no available" in lower or "node not" in lower or "not ready" in lower or "channel" in lower:
            return StoreUnavailable(f"{self.address}: Milvus is not ready ({said})")
        return IndexProblem(f"{self.address}: Milvus: {said}")

    def _silent(self) -> StoreUnavailable:
        return StoreUnavailable(
            f"{self.address}: the Milvus server did not answer within {self.access.timeout:g} s"
        )

    def _denied(self) -> StoreUnavailable:
        return StoreUnavailable(
            f"{self.address}: the user may not do this; the indexer needs one that may write, a service one that may "
            f"read: set {TOKEN} to USER:PASSWORD"
        )


def no_alias(error: MilvusException) -> bool:
    """Whether it says that there is no such alias."""
    said = str(error.message).lower()
    return error.code == _NO_ALIAS or "alias not found" in said or ("alias" in said and "not exist" in said)


def no_collection(error: MilvusException) -> bool:
    """Whether it says that there is no such collection."""
    said = str(error.message).lower()
    return error.code == _NO_COLLECTION or "collection not found" in said or "can't find collection" in said


def _line(text: object) -> str:
    return " ".join(str(text).split())[:300]
