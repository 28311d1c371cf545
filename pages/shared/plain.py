"""Text from documents, models and people, shown as it is."""

import re
from collections.abc import Sequence

_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>$:^&@=])")


def plain(text: str) -> str:
    """Escape a text so that Streamlit's Markdown shows it literally.

    Without this, a document could put images (which load from anywhere), links, colours
    or formulas on the page. Raw HTML is off everywhere as well.
    """
    # A line break stays one; an indented line must not become a code block.
    return "  \n".join(_escaped(line.lstrip()) for line in text.splitlines())


def moment(iso: str) -> str:
    """Write out a day and a time, given as ISO 8601, so that no line ends within."""
    return iso[:16].replace("-", "\N{NON-BREAKING HYPHEN}").replace("T", "\N{NO-BREAK SPACE}")


def highlighted(text: str, spans: Sequence[tuple[int, int]], colour: str = "yellow") -> str:
    """Escape a text as `plain` does, with parts of it on a coloured ground.

    Args:
        text: any.
        spans: where the parts begin and end, in characters; they may overlap, or lie outside.
        colour: one of those that Streamlit names.
    """
    lines, start = [], 0
    for line in text.split("\n"):
        parts, end = [], len(line) - len(line.lstrip())
        for begin, stop in sorted((first - start, last - start) for first, last in spans):
            begin, stop = max(begin, end), max(0, min(stop, len(line)))
            if line[begin:stop].strip():
                parts.append(_escaped(line[end:begin]))
                parts.append(f":{colour}-background[{_escaped(line[begin:stop])}]")
                end = stop
        lines.append("".join((*parts, _escaped(line[end:]))))
        start += len(line) + 1
    return "  \n".join(lines)


def _escaped(text: str) -> str:
    return _MARKUP.sub(r"\\\1", text)
