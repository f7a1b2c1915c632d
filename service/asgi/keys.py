"""API keys and their permissions. Only hashes are stored; the page's images use a cookie issued for a key.

A key is 256 random bits, so one round of SHA-256 protects it as well as any slow hash.
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
    """The API keys in the settings are invalid."""


@dataclass(frozen=True)
class Key:
    """The stored part of a key."""

    sha256: str
    admin: bool


def make(*, admin: bool) -> tuple[str, str]:
    """Create a key and its entry for the settings."""
    key = f"sks_{secrets.token_urlsafe(32)}"
    return key, digest(key) + (":admin" if admin else "")


def digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def read(entries: str, file: Path | None) -> "Keyring":
    """Read comma-separated entries, and those of a file: one per line, with comments after #."""
    found = [_key(entry) for entry in listed(entries)]
    if file is not None:
        found += _keys_in(file)
    kinds: dict[str, Key] = {}
    for key in found:
        if kinds.setdefault(key.sha256, key) != key:
            raise BadKeys("an API key is listed twice, once as admin and once not; delete one of its entries")
    return Keyring(kinds.values())


def _keys_in(file: Path) -> list[Key]:
    try:
        lines = text_in(file, "the key file").splitlines()
    except BadName as error:
        raise BadKeys(str(error)) from None
    found = [_key(entry) for line in lines if (entry := line.partition("#")[0].strip())]
    if not found:
        # Without keys, anyone may connect, which is never intended when a key file is set.
        raise BadKeys(f"{file}: the key file has no keys; add one with: sketchseek key >> {file}")
    return found


def _key(entry: str) -> Key:
    parsed = _ENTRY.fullmatch(entry)
    if parsed is None:
        # Without the entry itself: it may be a real key, which must not end up in a log.
        raise BadKeys("an API key entry is not a hash; create a key and its entry with: sketchseek key")
    return Key(parsed[1], admin=bool(parsed[2]))


class Keyring:
    """All valid keys; if empty, no key is required."""

    def __init__(self, keys: Iterable[Key] = ()) -> None:
        self._keys = tuple(keys)
        # Sessions end with the process; the page then requests a new one.
        self._secret = secrets.token_bytes(32)

    def __bool__(self) -> bool:
        return bool(self._keys)

    def find(self, key: str) -> Key | None:
        """Find a key in constant time: compares with all of them, even after a match."""
        asked = digest(key)
        fitting = [known for known in self._keys if hmac.compare_digest(known.sha256, asked)]
        return fitting[0] if fitting else None

    def session(self) -> str:
        """A cookie value that allows searches and photos for some hours."""
        until = str(int(time.time()) + SESSION_SECONDS)
        return f"{until}.{self._sign(until)}"

    def holds(self, session: str) -> bool:
        until, _, signature = session.partition(".")
        fits = hmac.compare_digest(self._sign(until).encode(), signature.encode("utf-8", "replace"))
        return fits and time.time() < int(until)

    def _sign(self, until: str) -> str:
        return hmac.new(self._secret, until.encode("utf-8", "replace"), "sha256").hexdigest()
