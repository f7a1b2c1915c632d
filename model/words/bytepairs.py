"""Words to token ids for CLIP: its byte pairs, with no library behind it but Python's own.

open_clip's tokenizer brings torch along, which a light installation does without; this file is tested against it.
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
# Telephones curl quotation marks of their own accord; CLIP has seen straight ones.
STRAIGHT = str.maketrans("\u2018\u2019\u201c\u201d", "''\"\"")
# Bytes of a word that are merged, which takes their square: many times what fills the tower.
LONGEST_WORD = 512
SPECIAL = ("<start_of_text>", "<end_of_text>")


class BytePairs:
    """Splits text as CLIP was taught to read it; every row is as long as the text tower wants."""

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
            # A text that is too long ends all the same: the tower looks for the end.
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
        """The pair that was learned first is joined wherever it stands, again and again."""
        # A file's name may hold what is no character at all.
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
    """Runs of letters, single digits, runs of anything else, and English endings by themselves."""
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
    """How long the word that begins here is."""
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
    """A printable character for each byte, in the order that gave CLIP's pieces their numbers."""
    printable = [
        *range(ord("!"), ord("~") + 1),
        *range(ord("¡"), ord("¬") + 1),
        *range(ord("®"), ord("ÿ") + 1),
    ]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {
        byte: chr(256 + number) for number, byte in enumerate(others)
    }
