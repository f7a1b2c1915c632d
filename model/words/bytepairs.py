"""CLIP's tokenizer: byte pairs, with Python's standard library only.

open_clip's own tokenizer needs torch, which a light installation lacks; this one is tested against it.
"""

import gzip
import html
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import islice, pairwise
from pathlib import Path

import numpy as np

from model.words.tokens import LONGEST_TEXT, Tokens

# The file lists more merges than CLIP learned.
MERGES = 49152 - 256 - 2
ENDINGS = ("'re", "'ve", "'ll", "'s", "'t", "'m", "'d")
# Phones insert curly quotation marks; CLIP was trained on straight ones.
STRAIGHT = str.maketrans("\u2018\u2019\u201c\u201d", "''\"\"")
# Most bytes of a word to merge, which takes quadratic time: many times what fills the tower.
LONGEST_WORD = 512
SPECIAL = ("<start_of_text>", "<end_of_text>")


class BytePairs:
    """Splits text as CLIP was trained on it; every row has the length that the text tower needs."""

    def __init__(self, merges: Sequence[tuple[str, str]], longest: int) -> None:
        letters = list(_letter_of_byte().values())
        pieces = [*letters, *(letter + "</w>" for letter in letters), *map("".join, merges), *SPECIAL]
        self._id_of = {piece: number for number, piece in enumerate(pieces)}
        self._rank_of: Mapping[tuple[str, str], int] = {pair: rank for rank, pair in enumerate(merges)}
        self._longest = longest

    @classmethod
    def from_file(cls, path: Path, longest: int = 77) -> "BytePairs":
        lines = gzip.decompress(path.read_bytes()).decode("utf-8").split("\n")[1 : MERGES + 1]
        return cls([(first, second) for first, second in map(str.split, lines)], longest)

    def __call__(self, texts: Sequence[str]) -> Tokens:
        ids = np.zeros((len(texts), self._longest), dtype=np.int64)
        start, end = (self._id_of[piece] for piece in SPECIAL)
        for number, text in enumerate(texts):
            row = [start, *islice(self._row(text[:LONGEST_TEXT]), self._longest - 1), end][: self._longest]
            # A truncated text needs its end token, too: the tower looks for it.
            row[-1] = end
            ids[number, : len(row)] = row
        return Tokens(ids, np.ones_like(ids))

    def _row(self, text: str) -> Iterator[int]:
        for word in _words(text):
            if word in SPECIAL:
                yield self._id_of[word]
            else:
                yield from (self._id_of[piece] for piece in self._merged(word))

    def _merged(self, word: str) -> list[str]:
        """Merge the pair that was learned first, everywhere, until none is left."""
        # A file name may contain bytes that are not characters.
        pieces = [_letter_of_byte()[byte] for byte in word.encode("utf-8", "replace")[:LONGEST_WORD]]
        pieces[-1] += "</w>"
        while len(pieces) > 1:
            best = min(pairwise(pieces), key=lambda pair: self._rank_of.get(pair, len(self._rank_of)))
            if best not in self._rank_of:
                break
            pieces = _joined(pieces, best)
        return pieces


def _joined(pieces: Sequence[str], pair: tuple[str, str]) -> list[str]:
    made: list[str] = []
    place = 0
    while place < len(pieces):
        length = 2 if tuple(pieces[place : place + 2]) == pair else 1
        made.append("".join(pieces[place : place + length]))
        place += length
    return made


def _words(text: str) -> Iterator[str]:
    """Split into runs of letters, single digits, runs of anything else, and English endings."""
    text = "".join(char for char in text if char in "\t\n\f\r" or unicodedata.category(char) != "Cc")
    text = text.translate(STRAIGHT)
    text = " ".join(html.unescape(html.unescape(text)).split()).lower()
    place = 0
    while place < len(text):
        length = _length(text, place)
        if not text[place].isspace():
            yield text[place : place + length]
        place += length


def _length(text: str, place: int) -> int:
    """The length of the word that starts here."""
    for whole in (*SPECIAL, *ENDINGS):
        if text.startswith(whole, place):
            return len(whole)
    kind = _kind(text[place])
    if kind in "N ":
        return 1
    end = place + 1
    while end < len(text) and _kind(text[end]) == kind:
        end += 1
    return end - place


def _kind(char: str) -> str:
    if char.isspace():
        return " "
    kind = unicodedata.category(char)[0]
    return kind if kind in "LN" else "other"


@cache
def _letter_of_byte() -> dict[int, str]:
    """Map each byte to a printable character, in the order that determines the ids of CLIP's pieces."""
    printable = [
        *range(ord("!"), ord("~") + 1),
        *range(ord("¡"), ord("¬") + 1),
        *range(ord("®"), ord("ÿ") + 1),
    ]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {
        byte: chr(256 + number) for number, byte in enumerate(others)
    }
