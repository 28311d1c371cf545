"""What is put before a judge, and what it says of it."""

import hashlib
import json
from dataclasses import dataclass

Said = int | str
"""The place of the best answer, from 0; or `ALL_GOOD` or `ALL_BAD` of `comparison.votes`, or
`UNREAD`."""
UNREAD = "unread"
"""The reply was none of those that were asked for, or the case was too long for the judge."""
UNDECIDED = "not decided"


@dataclass(frozen=True, slots=True)
class Case:
    """One question with the answers that are to be compared."""

    question: str
    accepted: tuple[str, ...]
    """Accepted answers; empty where none are known."""
    unanswerable: bool
    """Is it known that there is no answer to it?"""
    texts: tuple[str, ...]
    """The answers without names, in plain form; see `comparison.blind.plain_form`."""

    @property
    def digest(self) -> str:
        """What tells this case from all others: what was judged once is not judged again."""
        told = [self.question, self.accepted, self.unanswerable, self.texts]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()

    @property
    def turned(self) -> "Case":
        """The same with the answers in the opposite order."""
        return Case(self.question, self.accepted, self.unanswerable, self.texts[::-1])


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judge said of a case, shown in its own order and in the opposite one."""

    forward: Said
    turned: Said
    """Places are counted as in ``forward``."""

    @property
    def said(self) -> Said:
        """What it said both times; `UNDECIDED` where that differs, or could not be read."""
        same = self.forward == self.turned and self.forward != UNREAD
        return self.forward if same else UNDECIDED

    @property
    def unread(self) -> bool:
        """Could a reply not be read?"""
        return UNREAD in (self.forward, self.turned)

    @property
    def flipped(self) -> bool:
        """Did it say something else when the order was another one?"""
        return not self.unread and self.forward != self.turned
