"""Dates and times as people write them, converted to how the index stores them."""

import re
from datetime import date, datetime

_HOW = "write 2024, 2024-07, 2024-07-31, 31.07.2024, Jul 2024, or 2024-07-31T18:00 (no time zone)"
_SHOWN = 30
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FULL = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
# A time of day needs a full date before it, and a fraction needs a full time of day.
_MOMENT = re.compile(
    r"([0-9]{4}(?:-[0-9]{2}){0,2})"
    r"(?:(?<=-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}(?::[0-9]{2}){0,2}))?"
    r"(?:(?<=:[0-9]{2}:[0-9]{2})[.,]([0-9]{1,9}))?"
)
_YEAR, _MONTH, _DAY = r"(?P<year>[0-9]{4})", r"(?P<month>[0-9]{1,2})", r"(?P<day>[0-9]{1,2})"
_NAME, _NTH = r"(?P<name>[a-z]+)\.?", r"(?:st|nd|rd|th|\.)?"
# All but ISO 8601: 2024/7/31, 31.7.2024, 7.2024, Jul 2024, 31 July 2024, July 31st, 2024.
_WRITTEN = [
    re.compile(form)
    for form in (
        rf"{_YEAR}(?P<mark>[-/.]){_MONTH}(?:(?P=mark){_DAY})?",
        rf"(?:{_DAY}\. ?)?{_MONTH}\. ?{_YEAR}",
        rf"(?:{_DAY}{_NTH} )?{_NAME},? {_YEAR}",
        rf"{_NAME} {_DAY}{_NTH},? {_YEAR}",
    )
]
_SLASHES = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})")
_CLOCK = re.compile(r"(.*[^tT ])[tT ]([0-9]{2}:.*)")


def moment(value: str) -> str:
    """Convert a time to the start of its period, in the index's format, where times compare as text.

    Cameras write local time in an unknown zone, and whole seconds, between which a fraction sorts correctly as text,
    too. Raises ValueError that says what to write.
    """
    text = " ".join(value.split())
    found = _MOMENT.fullmatch(text) or _MOMENT.fullmatch(_iso(text))
    if found is None:
        raise ValueError(f"cannot read {_shown(text)} as a date; {_HOW}")
    day, time, fraction = found.groups("")
    whole = f"{day}T{time}" if time else day
    try:
        datetime.fromisoformat(whole + "0001-01-01T00:00:00"[len(whole) :])
    except ValueError:
        raise ValueError(f"there is no date {_shown(text)}; {_HOW}") from None
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole


def _iso(text: str) -> str:
    """In ISO 8601 what was written otherwise; anything else as it is."""
    clock = _CLOCK.fullmatch(text)
    written, rest = (clock[1], f"T{clock[2]}") if clock else (text, "")
    if slashes := _SLASHES.fullmatch(written):
        _refuse(slashes)
    for form in _WRITTEN:
        if (found := form.fullmatch(written.lower())) and (day := _day(found.groupdict())):
            return day + rest
    return text


def _day(parts: dict[str, str | None]) -> str | None:
    month = int(parts.get("month") or 0) or _month(parts.get("name") or "")
    if not month:
        return None
    day = parts.get("day")
    return f"{parts['year']}-{month:02}" + (f"-{int(day):02}" if day else "")


def _month(name: str) -> int:
    for number, (short, full) in enumerate(zip(_MONTHS, _FULL, strict=True), 1):
        if name in (short, full) or (name == "sept" and short == "sep"):
            return number
    return 0


def _refuse(slashes: re.Match[str]) -> None:
    """Raise a ValueError that lists both ways to read 3/4/2024."""
    one, two, year = map(int, slashes.groups())
    readings = []
    for month, day in dict.fromkeys(((one, two), (two, one))):
        try:
            readings.append(date(year, month, day).isoformat())
        except ValueError:
            continue
    if not readings:
        raise ValueError(f"there is no date {_shown(slashes[0])}; {_HOW}")
    raise ValueError(f"dates with slashes can be read in two ways; write {' or '.join(readings)}")


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")
