"""A ZIP archive of documents: each file in it becomes a document of its own."""

import re
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rag_backend.parse.file import check_type, read_bytes
from rag_backend.parse.limits import (
    MAX_ARCHIVE_FILES,
    MAX_FILE_BYTES,
    MAX_UNPACKED_BYTES,
    MAX_UNPACKED_RATIO,
)
from rag_backend.parse.reader import READER, Check
from rag_backend.parse.signature import check_content
from rag_backend.parse.unzip import ENCRYPTED_FLAG
from workbench.errors import DocumentError

ARCHIVES: tuple[str, ...] = (".zip",)
_OTHER_ARCHIVES = frozenset({".7z", ".bz2", ".gz", ".rar", ".tar", ".tgz", ".xz", ".zst"})
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_DRIVE = re.compile(r"[A-Za-z]:")
_RATIO_FROM_BYTES = 1024 * 1024
"""A small file may be packed as tightly as it likes."""


def is_archive(name: str) -> bool:
    """Whether a file of this name gives documents for the files in it."""
    return PurePosixPath(name).suffix.lower() in ARCHIVES


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is there for programs, not for people."""
    return name[0] == "." or name == "__MACOSX"


@dataclass(frozen=True, slots=True)
class Member:
    """A file of an archive."""

    name: str
    """What the document is called: the archive's name, then its path in there."""
    data: bytes
    refusal: str | None = None
    """Why it can't be used, in a sentence; then there is no data."""


def members(path: Path, name: str, check: Check | None = None) -> Iterator[Member]:
    """Yield the files of the archive at ``path``; a bad one is yielded with its refusal.

    As in a folder, what is hidden is passed over. ``name`` is what the person calls the archive;
    for ``check`` see `rag_backend.parse.parse`.

    Raises:
        DocumentError: the archive itself can't be used; says why and what to do.
    """
    with tempfile.TemporaryDirectory(prefix="ragtune-") as folder:
        request = {"path": str(path.absolute()), "name": name, "folder": folder}
        answer = READER.ask(request, name, check)
        for number, (member, refusal) in enumerate(answer["members"]):
            if refusal is None:
                unpacked = Path(folder, str(number))
                yield Member(member, unpacked.read_bytes())
                unpacked.unlink()
            else:
                yield Member(member, b"", refusal)


def unpack(path: Path, name: str, folder: Path) -> list[tuple[str, str | None]]:
    """Write the archive's files to ``folder`` as "0", "1", …; return their names and refusals."""
    data = read_bytes(path, name)
    check_content(data, ".zip", name)
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise DocumentError(
            f"{name} could not be read: the archive seems damaged ({type(error).__name__}); pack "
            "it again and add that."
        ) from error
    with archive:
        entries = [entry for entry in archive.infolist() if not _is_passed_over(entry)]
        _check_archive(entries, name)
        taken: set[str] = set()
        found: list[tuple[str, str | None]] = []
        for number, entry in enumerate(entries):
            shown = _name(entry, name)
            try:
                _check_entry(entry, shown)
                if shown in taken:
                    raise DocumentError(
                        f"{shown} was refused: the archive holds it twice; pack it once."
                    )
                taken.add(shown)
                (folder / str(number)).write_bytes(_content(archive, entry, shown))
            except DocumentError as error:
                found.append((shown, str(error)))
            else:
                found.append((shown, None))
    return found


def _check_archive(entries: list[zipfile.ZipInfo], name: str) -> None:
    if not entries:
        raise DocumentError(f"{name} has no files in it: add an archive with documents.")
    if len(entries) > MAX_ARCHIVE_FILES:
        raise DocumentError(
            f"{name} has {len(entries):,} files and the limit is {MAX_ARCHIVE_FILES:,}: pack "
            "several smaller archives and add those."
        )
    if all(entry.flag_bits & ENCRYPTED_FLAG for entry in entries):
        raise DocumentError(
            f"{name} is protected by a password: unpack it, pack it without one, and add that."
        )
    # What an entry says of itself is the most that comes out of it.
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
        raise DocumentError(
            f"{name} unpacks to more than {MAX_UNPACKED_BYTES // 1024 // 1024} MB, which is the "
            "limit: pack several smaller archives and add those."
        )


def _check_entry(entry: zipfile.ZipInfo, shown: str) -> None:
    path = _path(entry)
    if path.startswith("/") or _DRIVE.match(path) or ".." in path.split("/"):
        raise DocumentError(
            f"{shown} was refused, because its path leads out of the archive: pack the file again "
            "under a plain path."
        )
    if any(part.startswith("_") for part in path.split("/")[:-1]):
        raise DocumentError(
            f"{shown} is in a folder whose name begins with _, and was left out: rename the folder."
        )
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise DocumentError(
            f"{shown} was refused, because it is a link: pack the file that it leads to."
        )
    if PurePosixPath(path).suffix.lower() in _OTHER_ARCHIVES.union(ARCHIVES):
        raise DocumentError(
            f"{shown} was refused, because it is an archive inside an archive: unpack it and add "
            "its files."
        )
    check_type(shown)
    if entry.flag_bits & ENCRYPTED_FLAG:
        raise DocumentError(
            f"{shown} is protected by a password: unpack it, and add the file without one."
        )
    if entry.compress_type not in _METHODS:
        raise DocumentError(
            f"{shown} was packed by method {entry.compress_type}, which is not supported: pack it "
            "as usual (deflate) and add that."
        )
    if entry.file_size > MAX_FILE_BYTES:
        raise DocumentError(
            f"{shown} is larger than {MAX_FILE_BYTES // 1024 // 1024} MB, which is the limit: "
            "split it into smaller files and add those."
        )
    if entry.file_size > max(_RATIO_FROM_BYTES, MAX_UNPACKED_RATIO * entry.compress_size):
        raise DocumentError(
            f"{shown} was refused, because it unpacks to more than {MAX_UNPACKED_RATIO} times its "
            "size, as no document does: add the file by itself if it is one."
        )


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, shown: str) -> bytes:
    try:
        with archive.open(entry) as file:
            return file.read(MAX_FILE_BYTES)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError) as error:
        raise DocumentError(
            f"{shown} could not be unpacked: it seems damaged ({type(error).__name__}); pack it "
            "again and add that."
        ) from error


def _path(entry: zipfile.ZipInfo) -> str:
    # Some programs write the separators of Windows, against the standard.
    return "".join(c for c in entry.filename.replace("\\", "/") if c.isprintable())


def _name(entry: zipfile.ZipInfo, name: str) -> str:
    return f"{name}/{PurePosixPath(_path(entry))}".replace("//", "/")


def _is_passed_over(entry: zipfile.ZipInfo) -> bool:
    parts = [part for part in _path(entry).split("/") if part.strip(".")]
    return _path(entry).endswith("/") or any(is_hidden(part) for part in parts)
