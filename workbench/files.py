"""Files that are either the old or the new content, whatever happens in between."""

import contextlib
import errno
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.errors import RagtuneError

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file so that a reader or a crash sees all of it or none of it.

    Raises:
        RagtuneError: the disk is full or the folder can't be written to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with writing(path):
        try:
            with partial.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
            sync_folder(path.parent)
        finally:
            partial.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write a value as indented JSON, all or nothing."""
    write_bytes(path, json.dumps(value, indent=2, ensure_ascii=False).encode())


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        RagtuneError: the file isn't JSON any more; the message names it.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise RagtuneError(
            f"{path} is damaged: it was expected to hold JSON. Move it away and start again."
        ) from error


def sync_folder(folder: Path) -> None:
    """Make a rename inside a folder survive a power cut (a no-op where the system can't)."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def writing(place: Path) -> Iterator[None]:
    """Turn a full disk or a write-protected place into one clear sentence."""
    try:
        yield
    except OSError as error:
        reason = disk_sentence(error, place)
        if reason is None:
            raise
        raise RagtuneError(reason) from error


def disk_sentence(error: BaseException, place: Path) -> str | None:
    """Say what is wrong with the disk, or None where the error is about something else.

    SQLite and safetensors wrap the system's error in their own, so the text is read too.
    """
    code = getattr(error, "errno", None)
    text = str(error).lower()
    if code in _DISK_FULL or any(
        words in text for words in ("disk is full", "no space left", "file too large")
    ):
        return (
            f"The disk that holds {place.parent} is full. "
            "Free some space and try again; nothing that was saved before is lost."
        )
    if code in {errno.EACCES, errno.EROFS, errno.EPERM} or "readonly database" in text:
        return (
            f"{place} can't be written. Give this user the right to write there, "
            "or choose another folder with --home or RAGTUNE_HOME."
        )
    return None
