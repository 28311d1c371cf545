"""EPUB: the chapters of a book in their order, each a web page."""

import io
import posixpath
import zipfile
from collections.abc import Iterator
from urllib.parse import unquote
from xml.etree import ElementTree

from rag_backend.parse.html import HEADINGS, add_soup, read_soup
from rag_backend.parse.outline import Outline
from rag_backend.parse.unzip import check_container
from workbench.errors import DocumentError
from workbench.values import ParsedDocument

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_PAGES = frozenset({"application/xhtml+xml", "text/html"})


def parse_epub(data: bytes, name: str) -> ParsedDocument:
    """Read a book under its title; a chapter without headings gets its page's title."""
    check_container(data, name, ".epub")
    outline = Outline(name)
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        package_path = _attribute(_xml(book, _CONTAINER, name).find(".//{*}rootfile"), "full-path")
        package = _xml(book, package_path, name)
        title = (package.findtext(".//{http://purl.org/dc/elements/1.1/}title") or "").strip()
        outline.heading(0, title)
        protected = _protected(book, name)
        for path in _chapters(package, package_path):
            if path in protected:
                raise DocumentError(
                    f"{name} is protected against copying (DRM), so its text can't be read: add a "
                    "copy without that protection."
                )
            page = read_soup(book.read(path), name)
            if page.title is not None and page.find(list(HEADINGS)) is None:
                chapter = page.title.get_text().strip()
                if chapter != title:
                    outline.heading(1, chapter)
            add_soup(outline, page)
    return ParsedDocument(outline.blocks(), pages=None)


def _chapters(package: ElementTree.Element, package_path: str) -> Iterator[str]:
    """Yield where in the archive the pages of the book lie, each once."""
    items = {item.get("id"): item for item in package.iterfind(".//{*}manifest/{*}item")}
    seen: set[str] = set()
    for reference in package.iterfind(".//{*}spine/{*}itemref"):
        item = items.get(reference.get("idref"))
        if item is not None and item.get("media-type") in _PAGES:
            href = unquote(_attribute(item, "href").partition("#")[0])
            path = posixpath.normpath(posixpath.join(posixpath.dirname(package_path), href))
            if path not in seen:
                seen.add(path)
                yield path


def _protected(book: zipfile.ZipFile, name: str) -> set[str]:
    """Return the parts that are encrypted; fonts often are, without harm."""
    if _ENCRYPTION not in book.namelist():
        return set()
    references = _xml(book, _ENCRYPTION, name).iterfind(".//{*}CipherReference")
    return {unquote(_attribute(reference, "URI")) for reference in references}


def _xml(book: zipfile.ZipFile, path: str, name: str) -> ElementTree.Element:
    data = book.read(path)
    # Without its zero bytes, UTF-16 reads like ASCII.
    if b"<!ENTITY" in data.replace(b"\0", b"").upper():
        raise DocumentError(
            f"{name} was refused because {path} in it defines XML entities, which books never do: "
            "save it again with the program that made it and add that."
        )
    return ElementTree.fromstring(data)


def _attribute(element: ElementTree.Element | None, attribute: str) -> str:
    if element is None or not element.get(attribute):
        raise ValueError(f"the book has no {attribute}")
    return element.attrib[attribute]
