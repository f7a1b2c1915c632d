"""Patterns that select files of a photo folder: .gitignore syntax, relative to the folder."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from indexer.errors import IndexProblem


@dataclass(frozen=True)
class Patterns:
    """An ordered list of patterns: the last one that matches decides, and `!` negates.

    `*` and `?` stop at a slash, `**` does not. A pattern with a slash before its end is relative to the photo folder;
    any other one matches at every depth. One that ends in a slash matches only folders. A folder that matches is not
    entered, so nothing below it can be negated. There are no comments: `#recycle` is a name.
    """

    # Not pathspec: it reads `#recycle` as a comment, strips spaces, and re-includes photos in excluded folders
    # (`*`, `!*.png`). Existing catalogues hold patterns that rely on these rules.

    texts: tuple[str, ...] = ()

    @cached_property
    def _rules(self) -> list[tuple[re.Pattern[str], bool, bool]]:
        return [_compile(text) for text in self.texts]

    def match(self, relative: str, *, folder: bool = False) -> bool:
        """Whether the path itself matches."""
        decided = False
        for pattern, negated, folders_only in self._rules:
            if decided == negated and (folder or not folders_only) and pattern.fullmatch(relative):
                decided = not negated
        return decided

    def match_any(self, relative: str) -> bool:
        """Whether a file, or a folder that contains it, matches."""
        return any(self.match(parent, folder=True) for parent in _parents(relative)) or self.match(relative)


def validated(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the patterns that are not empty; raises IndexProblem for an invalid one."""
    for text in texts:
        _compile(text)
    return tuple(text for text in texts if text.strip("!/ "))


def _parents(relative: str) -> list[str]:
    return [relative[: found.start()] for found in re.finditer("/", relative)]


def _compile(text: str) -> tuple[re.Pattern[str], bool, bool]:
    negated = text.startswith("!")
    body = text[negated:]
    folders_only = body.endswith("/")
    body = body.rstrip("/")
    anchored = "/" in body
    regex = _regex(body.lstrip("/"))
    try:
        pattern = re.compile(regex if anchored else f"(?:.*/)?{regex}", re.DOTALL)
    except re.error:
        raise IndexProblem(f"{text!r}: not a valid pattern; write \\[ for a literal [") from None
    return pattern, negated, folders_only


def _regex(glob: str) -> str:
    out, at = "", 0
    while at < len(glob):
        if glob.startswith("**/", at) and (at == 0 or glob[at - 1] == "/"):
            out, at = out + "(?:.*/)?", at + 3
        elif glob.startswith("**", at):
            out, at = out + ".*", at + 2
        elif found := re.compile(r"\[([!^]?)(\]?[^\]]*)\]").match(glob, at):
            inverse = "^/" if found[1] else ""
            body = found[2].replace("\\", r"\\").replace("[", r"\[").replace("]", r"\]").replace("^", r"\^")
            out, at = f"{out}[{inverse}{body}]", found.end()
        elif glob[at] == "\\" and at + 1 < len(glob):
            out, at = out + re.escape(glob[at + 1]), at + 2
        else:
            out, at = out + {"*": "[^/]*", "?": "[^/]"}.get(glob[at], re.escape(glob[at])), at + 1
    return out
