"""Names of classes: one spelling for people, one key by which two spellings are the same class."""

import re
import unicodedata
from collections.abc import Iterable

ARTICLES = frozenset({"a", "an", "the"})


def spoken(name: str) -> str:
    """A folder's name as people say it: `The_Eiffel_Tower` becomes "the eiffel tower", `t-shirt` stays."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().replace("_", " ").split())


def key(name: str) -> str:
    """A key that is equal for spellings that differ in case, spaces, hyphens, other marks or a leading article.

    Spaces are removed, too, so that "cell phone" equals "cellphone"; plurals and synonyms stay distinct.
    """
    words = re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", name).casefold())
    if len(words) > 1 and words[0] in ARTICLES:
        words = words[1:]
    return "".join(words)


def same_names(names: Iterable[str]) -> dict[str, list[str]]:
    """Group names by key, in their original order."""
    groups: dict[str, list[str]] = {}
    for name in names:
        spellings = groups.setdefault(key(name), [])
        if name not in spellings:
            spellings.append(name)
    return groups
