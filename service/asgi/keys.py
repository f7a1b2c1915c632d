"""API keys and who may do what. Only hashes are kept; the page's images use a cookie made of a key.

A key is 256 random bits, so one round of SHA-256 hides it as well as any slow hash would.
"""

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from model import SketchseekError
from service.named import BadName, text_in
from service.settings import listed

COOKIE = "sketchseek_session"
SESSION_SECONDS = 12 * 3600
_ENTRY = re.compile(r"([0-9a-f]{64})(:admin)?")


class BadKeys(SketchseekError):
    """The settings name a key that is none."""


@dataclass(frozen=True)
class Key:
    """What is kept of a key."""

    sha256: str
    admin: bool


def make(*, admin: bool) -> tuple[str, str]:
    """A new key, and the entry for the settings."""
    key = f"sks_{secrets.token_urlsafe(32)}"
    return key, digest(key) + (":admin" if admin else "")


def digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def read(entries: str, file: Path | None) -> "Keyring":
    """Entries with commas between, and those of a file, one a line, with remarks behind #."""
    found = [_key(entry) for entry in listed(entries)]
    if file is not None:
        found += _keys_in(file)
    kinds: dict[str, Key] = {}
    for key in found:
        if kinds.setdefault(key.sha256, key) != key:
            raise BadKeys(
                "an API key is entered twice, once as admin and once not; delete one of its entries"
            )
    return Keyring(kinds.values())


def _keys_in(file: Path) -> list[Key]:
    try:
        lines = text_in(file, "the key file").splitlines()
    except BadName as error:
        raise BadKeys(str(error)) from None
    found = [_key(entry) for line in lines if (entry := line.partition("#")[0].strip())]
    if not found:
        # Without any key everybody is let in, which nobody means who names a file of them.
        raise BadKeys(f"{file}: the key file holds no key; add one with: sketchseek key >> {file}")
    return found


def _key(entry: str) -> Key:
    parsed = _ENTRY.fullmatch(entry)
    if parsed is None:
        # Whoever wrote the key itself there shall not find it in a log.
        raise BadKeys("an API key entry is no hash; make a key and its entry with: sketchseek key")
    return Key(parsed[1], admin=bool(parsed[2]))


class Keyring:
    """All keys that are let in; none at all means that none is asked for."""

    def __init__(self, keys: Iterable[Key] = ()) -> None:
        self._keys = tuple(keys)
        # Sessions end with the process; the page then asks for a new one by itself.
        self._secret = secrets.token_bytes(32)

    def __bool__(self) -> bool:
        return bool(self._keys)

    def find(self, key: str) -> Key | None:
        """Looks at all of them, however early one fits, so that time tells nothing."""
        asked = digest(key)
        fitting = [known for known in self._keys if hmac.compare_digest(known.sha256, asked)]
        return fitting[0] if fitting else None

    def session(self) -> str:
        """A cookie's value that lets its bearer search and see photos for some hours."""
        until = str(int(time.time()) + SESSION_SECONDS)
        return f"{until}.{self._sign(until)}"

    def holds(self, session: str) -> bool:
        until, _, signature = session.partition(".")
        fits = hmac.compare_digest(self._sign(until).encode(), signature.encode("utf-8", "replace"))
        return fits and time.time() < int(until)

    def _sign(self, until: str) -> str:
        return hmac.new(self._secret, until.encode("utf-8", "replace"), "sha256").hexdigest()
