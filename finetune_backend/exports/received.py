"""The two files of an adapter that was made elsewhere: from a folder, a zip file, or uploads.

Nothing is unpacked to a place that an archive names, and no pickle is opened.
"""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from workbench.errors import RagtuneError

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"
_LARGEST_BYTES = {WEIGHTS: 1_000_000_000, CONFIG: 1_000_000}
_MOST_ENTRIES = 1000
_READ_BYTES = 1024 * 1024
_ENCRYPTED_FLAG = 0x1
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")


@dataclass(frozen=True, slots=True)
class Received:
    """An adapter's files as they came, unread."""

    weights: bytes
    config: bytes


def read_path(path: Path) -> Received:
    """Read an adapter from a PEFT folder, or from a zip file of one.

    Raises:
        RagtuneError: it isn't there, isn't an adapter, is too large, or holds a pickle instead.
    """
    path = path.expanduser()
    try:
        if not path.is_dir():
            return read_files({path.name: _checked_size(path).read_bytes()})
        names = [file.name for file in path.iterdir() if file.is_file()]
        _check_names(names, str(path))
        files = {name: _checked_size(path / name).read_bytes() for name in _LARGEST_BYTES}
    except OSError as error:
        raise RagtuneError(
            f"{path} can't be read: {error.strerror}. A folder with {WEIGHTS} and {CONFIG}, or a "
            "zip file of one, was expected."
        ) from error
    return Received(files[WEIGHTS], files[CONFIG])


def read_files(files: Mapping[str, bytes]) -> Received:
    """Read an adapter from uploaded files by name: one zip file, or the two files themselves.

    Raises:
        RagtuneError: as `read_path`.
    """
    if len(files) == 1:
        ((name, data),) = files.items()
        if name.lower().endswith(".zip"):
            return _from_zip(data, name)
    _check_names(list(files), "What was given")
    return Received(files[WEIGHTS], files[CONFIG])


def _from_zip(data: bytes, name: str) -> Received:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            found = _entries(archive, name)
            files = {one: _unpacked(archive, entry, name) for one, entry in found.items()}
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise RagtuneError(
            f"{name} is not a zip file that can be read ({error}). Pack the adapter's folder again."
        ) from error
    return Received(files[WEIGHTS], files[CONFIG])


def _entries(archive: zipfile.ZipFile, name: str) -> dict[str, zipfile.ZipInfo]:
    """Return where the two files are in an archive, in one folder or in none."""
    entries = archive.infolist()
    if len(entries) > _MOST_ENTRIES:
        raise RagtuneError(
            f"{name} holds {len(entries):,} files; {WEIGHTS} and {CONFIG} were expected."
        )
    for entry in entries:
        place = PurePosixPath(entry.filename.replace("\\", "/"))
        if place.is_absolute() or ".." in place.parts or ":" in entry.filename:
            raise RagtuneError(
                f"{name} was refused: it holds {entry.filename!r}, a place outside of itself, "
                "which no adapter does."
            )
    files = {entry.filename: entry for entry in entries if not entry.is_dir()}
    _check_names([PurePosixPath(place).name for place in files], name)
    found = {}
    for wanted in _LARGEST_BYTES:
        places = [place for place in files if PurePosixPath(place).name == wanted]
        if len(places) > 1:
            raise RagtuneError(
                f"{name} holds {len(places)} adapters; pack and import them one by one."
            )
        found[wanted] = files[places[0]]
    return found


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> bytes:
    """Unpack a file in small pieces, since an archive may lie about its sizes."""
    if entry.flag_bits & _ENCRYPTED_FLAG:
        raise RagtuneError(f"{name} is protected by a password. Pack it without one.")
    largest = _LARGEST_BYTES[PurePosixPath(entry.filename).name]
    pieces, unpacked = [], 0
    with archive.open(entry) as part:
        while piece := part.read(_READ_BYTES):
            unpacked += len(piece)
            if unpacked > largest:
                raise _too_large(entry.filename, largest)
            pieces.append(piece)
    return b"".join(pieces)


def _checked_size(file: Path) -> Path:
    largest = _LARGEST_BYTES.get(file.name, max(_LARGEST_BYTES.values()))
    if file.stat().st_size > largest:
        raise _too_large(file.name, largest)
    return file


def _too_large(name: str, largest: int) -> RagtuneError:
    return RagtuneError(f"{name} has more than {largest / 1e6:,.0f} MB, which is the limit.")


def _check_names(names: list[str], where: str) -> None:
    """Make sure that both files are there, and say why a pickle won't do."""
    pickles = [name for name in names if name.lower().endswith(_PICKLES)]
    if WEIGHTS not in names and pickles:
        raise RagtuneError(
            f"{pickles[0]} is a pickle, and opening one can run whatever somebody put into it, so "
            f"Ragtune never does. Save the adapter as safetensors (PEFT: "
            f"model.save_pretrained(FOLDER) writes {WEIGHTS}) and import that."
        )
    missing = [name for name in _LARGEST_BYTES if name not in names]
    if missing:
        raise RagtuneError(
            f"{where} is not a PEFT adapter: {' and '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} missing."
        )
