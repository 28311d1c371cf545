"""A report as Markdown, in which no text of a document, an exam or a model becomes markup."""

import html
import re

from comparison.report.blocks import (
    Block,
    Chart,
    Commands,
    Points,
    Report,
    Table,
    numbers,
    percent,
)

_MARKUP = re.compile(r"[\\`*_\[\]<>|~$&!#]|:(?=//)|(?<=www)\.", re.IGNORECASE)
"""What can begin something inside a line: emphasis, code, links, addresses, tags, formulas."""


def to_markdown(report: Report) -> str:
    """Write a report as Markdown with GitHub's tables."""
    parts = [f"# {escaped(report.title)}", escaped(report.made)]
    for section in report.sections:
        parts.append(f"## {escaped(section.title)}")
        parts += map(_block, section.blocks)
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """Return a text on one line, so that Markdown shows it as it is."""
    return _MARKUP.sub(lambda found: "\\" + found[0], " ".join(text.split()))


def _block(block: Block) -> str:
    match block:
        case Points():
            return "\n".join(f"- {escaped(sentence)}" for sentence in block.sentences)
        case Table():
            return _table(block)
        case Chart():
            write = percent if block.share else numbers
            rows = tuple((label, write(interval)) for label, interval in block.bars)
            return _table(Table(("", "value (interval)"), rows, block.said))
        case Commands():
            return _commands(block)


def _table(table: Table) -> str:
    lines = [_line(table.head), _line(("---",) * len(table.head)), *map(_line, table.rows)]
    drawn = "\n".join(lines)
    if table.folded:
        summary = html.escape(" ".join(table.said.split()))
        return f"<details>\n<summary>{summary}</summary>\n\n{drawn}\n\n</details>"
    return f"{escaped(table.said)}:\n\n{drawn}" if table.said else drawn


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(map(escaped, cells))} |"


def _commands(commands: Commands) -> str:
    lines = [" ".join(line.split()) for line in commands.lines]
    longest = max((len(found) for line in lines for found in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join((fence, *lines, fence))
