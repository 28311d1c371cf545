"""The text of a cell in a workbook, as a person reads it there."""

import datetime
import re
from typing import Any

from rag_backend.parse.clean import one_line

_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|\[\$(?P<currency>[^\]-]*)[^\]]*\]|\\(?P<escaped>.)'
    r"|(?P<skipped>\[[^\]]*\]|[_*].)|(?P<plain>.)",
    re.DOTALL,
)
_DIGITS = "\0"
"""Stands for the digits while the texts around them are put together."""
_DECIMALS = re.compile(r"[0#?]\.(0+)")
_ODD = re.compile(r"[/@E]|General", re.IGNORECASE)
"""Fractions, text and powers of ten."""


def cell_text(cell: Any) -> tuple[str, bool]:
    """Return what an openpyxl cell shows, and whether that is text, not a number or a date.

    Dates are written as 2026-05-31, so that they mean the same everywhere.
    """
    value = cell.value
    if value is None:
        return "", False
    if isinstance(value, bool):
        return str(value).upper(), False
    if isinstance(value, int | float):
        return _number(value, cell.number_format), False
    if isinstance(value, datetime.datetime):
        if value.time() == datetime.time() and "h" not in cell.number_format.lower():
            return value.date().isoformat(), False
        return f"{value.date().isoformat()} {_clock(value.time())}", False
    if isinstance(value, datetime.time):
        return _clock(value), False
    if isinstance(value, str):
        return one_line(value), cell.data_type != "e"
    return str(value), False  # a date or a duration


def _clock(time: datetime.time) -> str:
    return time.isoformat("seconds" if time.second else "minutes")


def _number(value: float, number_format: str) -> str:
    """Write a number with the decimals, the sign and the unit of its format."""
    # Further sections are for negative numbers, zero and text.
    section = number_format.split(";")[0]
    shown, had_digits = "", False
    for token in _TOKEN.finditer(section):
        plain = token["plain"]
        if plain is None:
            shown += token["quoted"] or token["currency"] or token["escaped"] or ""
        elif plain in "0#?":
            shown += "" if had_digits else _DIGITS
            had_digits = True
        elif plain not in ",.":
            shown += plain
    if not had_digits or _ODD.search(section):
        return f"{value:.15g}"
    decimals = _DECIMALS.search(section)
    scaled = value * 100 if "%" in shown else value
    digits = f"{scaled:.{len(decimals[1]) if decimals else 0}f}"
    return one_line(shown.replace(_DIGITS, digits))
