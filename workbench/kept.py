"""Work that is kept: a fine-tune, a sweep, an evaluation, an experiment.

Each is a job's folder, whose name is its own. They are listed, found, named, let go on and deleted
alike.
"""

import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol, TypeVar

from workbench import jobs
from workbench.errors import RagtuneError
from workbench.jobs import JobState

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")


class Kept(Protocol):
    """One of them."""

    @property
    def name(self) -> str: ...

    @property
    def folder(self) -> Path: ...

    @property
    def state(self) -> JobState: ...

    @property
    def created(self) -> float: ...

    @property
    def can_go_on(self) -> bool: ...


T = TypeVar("T", bound=Kept)


def newest_first(place: Path, described: str, read: Callable[[Path], T]) -> list[T]:
    """Return all that are in a place: the folders with a description and a job's state.

    Args:
        place: may be missing.
        described: the name of the file that says what one is about.
        read: one of them.
    """
    found = [
        read(folder)
        for folder in place.glob("[!.]*")
        if all((folder / file).exists() for file in (described, "state.json"))
    ]
    return sorted(found, key=lambda one: -one.created)


def find(kept: Iterable[T], name: str, kind: str) -> T:
    """Return the one with this name.

    Args:
        kept: all there are.
        name: of the one.
        kind: what they are, for the error: "sweep".

    Raises:
        RagtuneError: there is none.
    """
    by_name = {one.name: one for one in kept}
    if name not in by_name:
        existing = ", ".join(by_name) or "none yet"
        raise RagtuneError(f"There is no {kind} {name!r}. {kind.capitalize()}s: {existing}.")
    return by_name[name]


def check_can_go_on(one: Kept, kind: str) -> None:
    """Make sure that it stopped before its time.

    Raises:
        RagtuneError: it is complete, was cancelled, or hasn't stopped.
    """
    if not one.can_go_on:
        raise RagtuneError(
            f"The {kind} {one.name!r} is {one.state.state}; only one that was paused, interrupted "
            "or failed can go on."
        )


def delete(one: Kept, kind: str) -> None:
    """Delete its folder, with all that is in it.

    Raises:
        RagtuneError: it is at work.
    """
    if jobs.at_work(one.folder):
        raise RagtuneError(f"The {kind} {one.name!r} is at work. Cancel it first.")
    if one.folder.exists():  # another tab may have been first
        shutil.rmtree(one.folder)


def new_folder(place: Path, kind: str, name: str | None, stem: str) -> Path:
    """Return the folder for a new one, which is not made yet.

    Args:
        place: where they are; may be missing.
        kind: what it is, for the errors.
        name: that it is to have, or None for a `free_name`.
        stem: of its name.

    Raises:
        RagtuneError: the name is taken or unusable.
    """
    name = free_name(place, stem) if name is None else name
    check_name(name, kind)
    if (place / name).exists():
        raise RagtuneError(
            f"There is {_article(kind)} {kind} {name!r} already. Choose another name."
        )
    return place / name


def free_name(place: Path, stem: str) -> str:
    """Return the stem with the first number that none has there; see `new_folder`."""
    number = 1
    while (place / f"{stem}-{number}").exists():
        number += 1
    return f"{stem}-{number}"


def check_name(name: str, kind: str) -> None:
    """Make sure that something new may have this name, which is a folder's or a file's too.

    Raises:
        RagtuneError: it may not.
    """
    if not _NAME.fullmatch(name):
        raise RagtuneError(
            f"{name!r} can't be the name of {_article(kind)} {kind}; use letters, digits, '.', '_' "
            "and '-', at most 60, beginning with a letter or digit."
        )


def _article(kind: str) -> str:
    return "an" if kind[0] in "aeiou" else "a"
