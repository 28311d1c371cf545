"""Text from documents, models and people, shown as it is."""

import re

_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>$:^&@=])")


def plain(text: str) -> str:
    """Escape a text so that Streamlit's Markdown shows it literally.

    Without this, a document could put images (which load from anywhere), links, colours
    or formulas on the page. Raw HTML is off everywhere as well.
    """
    escaped = _MARKUP.sub(r"\\\1", text)
    # A line break stays one; an indented line must not become a code block.
    return "  \n".join(line.lstrip() for line in escaped.splitlines())
