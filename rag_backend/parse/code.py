"""Source code and settings files: a block per definition, under the names of those around it."""

import re
from collections.abc import Iterator

from rag_backend.parse.clean import preformatted
from rag_backend.parse.decode import decode
from rag_backend.parse.outline import Outline
from workbench.values import ParsedDocument

CODE: tuple[str, ...] = (
    *(".py", ".js", ".jsx", ".mjs", ".ts", ".tsx", ".java", ".kt", ".scala", ".swift"),
    *(".c", ".h", ".cc", ".cpp", ".hpp", ".cs", ".go", ".rs", ".rb", ".php", ".pl", ".lua"),
    *(".r", ".sh", ".sql", ".yaml", ".yml", ".toml", ".ini"),
)
_MODIFIERS = (
    r"(?:(?:export|default|declare|public|private|protected|internal|static|abstract|final|sealed"
    r"|partial|virtual|override|async|unsafe|inline|const|open|data|local|pub(?:\([\w ]+\))?)\s+)*"
)
_NAME = r"[A-Za-z_$][\w$]*(?:(?:::|[.#])[A-Za-z_$~][\w$]*)*"
_STATEMENTS = (
    r"(?!(?:assert|await|catch|defer|do|echo|else|for|go|if|insert|new|not|print|raise|return|select"
    r"|switch|throw|update|while|yield)\b)"
)
_FUNCTION = rf"(?i:{_STATEMENTS})[\w<@][\w\s<>,:*&\[\]?.]*?[\s*&](?i:{_STATEMENTS})({_NAME})\("
"""A function of C or its kin: types, then the name with its parenthesis."""
# Each has the name as its only group. Those of the second kind must stand at the margin.
_DEFINITIONS = (
    re.compile(
        rf"{_MODIFIERS}(?:class|def|enum|impl(?:<[^>]*>)?|interface|module|namespace|object|protocol"
        rf"|record|struct|trait|type)\s+({_NAME})(?=\s*(?:[(:{{<=\[;]|$)"
        r"|\s+(?:extends|for|func|implements|interface|is|struct|where|with)\b)"
    ),
    re.compile(rf"{_MODIFIERS}(?:fn|fun|func|function\*?)\s+(?:\([^)]*\)\s*)?({_NAME})\s*[(<\[]"),
    re.compile(rf"{_MODIFIERS}(?:let|var|const)\s+({_NAME})\s*=\s*(?:async\s*)?(?:function\b|\()"),
    re.compile(rf"{_FUNCTION}.*\{{$"),
)
_AT_THE_MARGIN = (
    re.compile(
        r"(?i:create\s+(?:or\s+replace\s+)?(?:temp(?:orary)?\s+)?(?:unique\s+)?(?:table|view|index"
        rf"|function|procedure|trigger|type)\s+(?:if\s+not\s+exists\s+)?)[\"`\[]?({_NAME})"
    ),
    re.compile(_FUNCTION),
    re.compile(r"\[\[?([^\[\]]+)\]\]?$"),  # of TOML and INI
    re.compile(r"[\"']?([\w.-]+)[\"']?:(?:\s*[|>&!].*)?$"),  # of YAML
    re.compile(rf"({_NAME})\s*\(\)\s*\{{?$"),  # of a shell
)
_MAX_LINE_CHARACTERS = 200
"""A longer line, as in minified code, defines nothing that a person would look for."""
_BEFORE_DEFINITIONS = re.compile(r"@|#\[|<\?|//|/\*|\*|#(?!include|define|if|endif)|--|template\b")
"""Decorators and comments, which belong to the definition below them."""
_CLOSING = re.compile(r"[)\]}]|end\b|EOF\b")


def parse_code(data: bytes, name: str) -> ParsedDocument:
    """Read source code; parts are told apart by blank lines and by how far they are indented.

    No language is parsed: a definition is a line that looks like one.
    """
    outline = Outline(name)
    block: list[str] = []

    def flush() -> None:
        outline.add("\n\n".join(block))
        block.clear()

    for group in _groups(preformatted(decode(data, name))):
        indent = _indent(group[0])
        defined = _defined(group, indent)
        if defined is not None:
            flush()
            outline.heading(indent + 1, defined)
        elif indent == 0 and not _CLOSING.match(group[0]):
            flush()
            outline.close(1)
        block.append("\n".join(group))
    flush()
    return ParsedDocument(outline.blocks(), pages=None)


def _groups(text: str) -> Iterator[list[str]]:
    """Yield the lines between blank ones; a definition at the margin begins a group too."""
    group: list[str] = []
    for line in text.split("\n"):
        if not line:
            if group:
                yield group
            group = []
            continue
        if group and not _indent(line) and _definition(line, 0) is not None:
            # After a body, or a section of settings: in the midst of other lines at the margin,
            # what looks like a definition is rather a statement.
            body_ended = _indent(group[-1]) or _CLOSING.match(group[-1]) or line[0] == "["
            if body_ended and not _BEFORE_DEFINITIONS.match(group[-1].strip()):
                yield group
                group = []
        group.append(line)
    if group:
        yield group


def _defined(group: list[str], indent: int) -> str | None:
    """Return the name that the group defines first, below its decorators and comments."""
    for line in group:
        if _indent(line) == indent:
            found = _definition(line, indent)
            if found is not None or not _BEFORE_DEFINITIONS.match(line.strip()):
                return found
    return None


def _definition(line: str, indent: int) -> str | None:
    line = line.strip()
    if len(line) > _MAX_LINE_CHARACTERS:
        return None
    for pattern in _DEFINITIONS if indent else (*_DEFINITIONS, *_AT_THE_MARGIN):
        match = pattern.match(line)
        if match is not None:
            return match[1]
    return None


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
