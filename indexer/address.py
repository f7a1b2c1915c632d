"""Addresses of libraries on a server, such as milvus://me@host:19530/photos; passwords are never part of them."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from indexer.errors import IndexProblem

TOKEN, TOKEN_FILE, CA = "SKETCHSEEK_STORE_TOKEN", "SKETCHSEEK_STORE_TOKEN_FILE", "SKETCHSEEK_STORE_CA"
TIMEOUT = "SKETCHSEEK_STORE_TIMEOUT"
# What both Milvus and PostgreSQL accept, with room for what is appended to it; two underscores are ours.
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True)
class Access:
    """How to get in: a password or token, the certificate authority to trust, the seconds that a search may take."""

    token: str = field(default="", repr=False)
    ca: Path | None = None
    timeout: float = 2.0

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> "Access":
        token = environment.get(TOKEN, "")
        if path := environment.get(TOKEN_FILE, ""):
            if token:
                raise IndexProblem(f"{TOKEN} and {TOKEN_FILE} are both set; unset one")
            try:
                token = Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise IndexProblem(f"{TOKEN_FILE}: {path} cannot be read ({error})") from None
        ca = environment.get(CA, "")
        if ca and not Path(ca).is_file():
            raise IndexProblem(f"{CA}: {ca} is not a file; it must hold the certificate authority, as PEM")
        try:
            timeout = float(environment.get(TIMEOUT, "") or cls.timeout)
        except ValueError:
            timeout = 0.0
        if not 0.05 <= timeout <= 600:
            raise IndexProblem(f"{TIMEOUT}: must be a number of seconds from 0.05 to 600")
        return cls(token, Path(ca) if ca else None, timeout)


@dataclass(frozen=True)
class Address:
    """Where a library is: the server, and the library's name there."""

    scheme: str
    host: str
    port: int | None
    user: str
    name: str
    # The folders of the path before the name: a database, or a folder of files.
    above: str = ""
    options: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        user = f"{quote(self.user, safe='')}@" if self.user else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = f":{self.port}" if self.port else ""
        options = f"?{urlencode(self.options, safe='/', quote_via=quote)}" if self.options else ""
        return f"{self.scheme}://{user}{host}{port}{quote(self.above)}/{self.name}{options}"

    @classmethod
    def parse(cls, text: str, known: frozenset[str] = frozenset()) -> "Address":
        """`known` are the options that this kind of server has; raises IndexProblem, without the text."""
        try:
            parts = urlsplit(text)
            port, host = parts.port, parts.hostname or ""
        except ValueError:
            raise _wrong("the host or port is not valid") from None
        if parts.password is not None:
            # Refused: addresses appear in logs and lists of processes.
            raise _wrong(f"it contains a password; leave it out, and set {TOKEN} or {TOKEN_FILE}")
        above, _, name = unquote(parts.path).rpartition("/")
        if not _NAME.fullmatch(name) or "__" in name:
            raise _wrong(
                f"{name[:60]!r} cannot be the name of a library; use up to 40 of a-z, 0-9 and single _, "
                "a letter first"
            )
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        if unknown := sorted(options.keys() - known):
            listed = ", ".join(sorted(known)) or "none"
            raise _wrong(f"unknown option {unknown[0][:40]!r}; known: {listed}")
        return cls(parts.scheme, host, port, unquote(parts.username or ""), name, above, options)


def _wrong(what: str) -> IndexProblem:
    return IndexProblem(f"the address of the store is wrong: {what}")
