"""Find out step by step why a server cannot be used: its own client reports all of these as one error."""

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from indexer.address import CA, Access, Address
from indexer.errors import IndexProblem, StoreUnavailable

if TYPE_CHECKING:
    from indexer.remote.database import Database

_SECONDS = 5.0


@dataclass(frozen=True)
class Step:
    """What was tried, whether it worked, and what else to do."""

    good: bool
    text: str
    advice: str | None = None


def reached(address: Address, access: Access, port: int, *, secure: bool) -> Iterator[Step]:
    """Whether the host answers, and whether it speaks TLS, with a certificate that is trusted; ends where one fails."""
    where = f"{address.host}:{port}"
    try:
        socket.create_connection((address.host, port), _SECONDS).close()
    except socket.gaierror:
        yield Step(False, f"{address.host}: there is no such host", "fix the address")
        return
    except OSError as error:
        yield Step(False, f"{where}: nothing listens there ({error.strerror or error})", "start the server")
        return
    yield Step(True, f"{where} answers")
    if secure:
        yield _trusted(address, access, port)
    elif speaks_tls(address.host, port):
        yield Step(False, f"{where} wants TLS", f"use {address.scheme}+tls:// in the address")


def served(database: "Database", advice: str) -> Iterator[Step]:
    """What is published there; `advice` is for whoever may not know."""
    try:
        current = database.pointer("current")
        names = sorted(database.generations())
        unfinished = [name for name in names if name != current and not database.read_texts(name)]
    except IndexProblem as error:
        yield Step(False, str(error), advice if isinstance(error, StoreUnavailable) else None)
        return
    if current is None:
        yield Step(True, "nothing is published there yet")
        return
    yield Step(True, f"generation {current} of {', '.join(names)}")
    if unfinished:
        text = f"generation {', '.join(unfinished)} was not finished"
        yield Step(True, f"{text}; the next publication removes it")


def speaks_tls(host: str, port: int) -> bool:
    try:
        _shake(host, port, _context(check=False))
    except (OSError, ssl.SSLError):
        return False
    return True


def _trusted(address: Address, access: Access, port: int) -> Step:
    where, plain = f"{address.host}:{port}", address.scheme.removesuffix("+tls")
    try:
        context = _context(access)
    except (OSError, ssl.SSLError) as error:
        return Step(
            False, f"{access.ca}: holds no certificate authority ({error})", f"set {CA} to a PEM file"
        )
    try:
        _shake(address.host, port, context)
    except TimeoutError:
        return Step(
            False, f"{where} accepts connections, but says nothing", "look at the server's log; restart it"
        )
    except ssl.SSLCertVerificationError as error:
        if error.verify_code == _OTHER_NAME or "match" in str(error.verify_message):
            return Step(
                False, f"{where}: its certificate is for another host name", "use the name in the certificate"
            )
        why = error.verify_message or "it is not trusted"
        return Step(
            False,
            f"{where}: its certificate was refused ({why})",
            f"set {CA} to the authority that signed it",
        )
    except (OSError, ssl.SSLError):
        return Step(
            False,
            f"{where} does not speak TLS",
            f"turn on TLS on the server; only in a network that is yours alone, use {plain}:// in the address",
        )
    return Step(True, f"{where} speaks TLS, with a certificate that is trusted")


# X509_V_ERR_HOSTNAME_MISMATCH
_OTHER_NAME = 62


def _context(access: Access | None = None, *, check: bool = True) -> ssl.SSLContext:
    ca = str(access.ca) if access and access.ca else None
    context = ssl.create_default_context(cafile=ca)
    if not check:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    return context


def _shake(host: str, port: int, context: ssl.SSLContext) -> None:
    with (
        socket.create_connection((host, port), _SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=host),
    ):
        pass
