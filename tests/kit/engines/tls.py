"""PostgreSQL behind TLS, for a server that was built without: accepts as PostgreSQL does, and passes everything on."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path
from types import TracebackType

from tests.kit.engines.certificates import Certificate

# What a client sends first: eight bytes, a request for TLS.
_REQUEST = bytes.fromhex("0000000804d2162f")


class TlsFront:
    """Listens on 127.0.0.1 at `port`, as long as its block lasts."""

    def __init__(self, behind: Path, certificate: Certificate) -> None:
        self._behind = behind
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate.certificate, certificate.key)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])

    def __enter__(self) -> TlsFront:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Wakes the thread that accepts, which closing alone would not.
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server:
            try:
                if client.recv(len(_REQUEST), socket.MSG_WAITALL) != _REQUEST:
                    return
                client.sendall(b"S")
                with self._context.wrap_socket(client, server_side=True) as safe:
                    server.connect(str(self._behind))
                    back = threading.Thread(target=_pass_on, args=(server, safe), daemon=True)
                    back.start()
                    _pass_on(safe, server)
                    back.join()
            except OSError:
                return


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return
