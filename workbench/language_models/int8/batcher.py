"""One bounded line of requests, answered together token by token."""

import atexit
import queue
import threading
import time
import weakref
from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

from workbench.errors import RagtuneError
from workbench.language_models.engine import BEAT_SECONDS
from workbench.language_models.int8.forward import Cache, begin, beginning, new_cache, read
from workbench.language_models.int8.weights import Int8Weights

TOGETHER = 8
WAITING = 24
_PASS_TOKENS = 256
_OPENINGS = 2
"""Beginnings that are kept of each model: somebody may change the system prompt."""
_ENDING_SECONDS = 5.0
_TELL_SECONDS = 0.05
"""A word is told at most this long after it was written. A chain and a page take a quarter of a
millisecond for each thing told, on the cores that write."""


@dataclass(slots=True)
class Request:
    """One conversation on its way through the line."""

    weights: Int8Weights
    prompt: Sequence[int]
    ends: frozenset[int]
    limit: int
    opening: int = 0
    """Tokens that other conversations begin with too; they are read once for all. What is asked
    isn't among them, so that no answer is faster for having been asked before."""
    asked: float = field(default_factory=time.perf_counter)
    queue_ms: float = 0.0
    cancelled: bool = False
    written: int = 0
    last: int = -1
    read: int = 0
    cache: Cache | None = None
    untold: list[int] = field(default_factory=list)
    told: float = 0.0
    out: "queue.SimpleQueue[list[int] | BaseException | None]" = field(
        default_factory=queue.SimpleQueue
    )
    """Tokens, some at a time; None at the end; an exception where the forward pass failed."""


class Batcher:
    """Runs a thread that gives every request in work its next token, turn by turn.

    At most `TOGETHER` requests are worked on and `WAITING` wait; more are refused.
    """

    def __init__(self) -> None:
        self._line: deque[Request] = deque()
        self._active: list[Request] = []
        self._begun: weakref.WeakKeyDictionary[Int8Weights, dict[tuple[int, ...], Cache]] = (
            weakref.WeakKeyDictionary()
        )
        self._changed = threading.Condition()
        # The thread must not keep its owner alive: when that goes, the thread ends.
        end = _End(self._changed)
        thread = threading.Thread(target=_work, args=(weakref.ref(self), end), daemon=True)
        _threads[thread] = end
        thread.start()
        weakref.finalize(self, end.come).atexit = False

    def waiting(self) -> int:
        """Return how many requests wait for a place."""
        return sum(not request.cancelled for request in self._line.copy())

    def place(self, request: Request) -> int:
        """Return a request's place in the line, 1 for the next one; 0 where it doesn't wait."""
        line = [one for one in self._line.copy() if not one.cancelled]
        return next((place for place, one in enumerate(line, start=1) if one is request), 0)

    def tokens(self, request: Request) -> Generator[list[int]]:
        """Yield a request's tokens, some at a time; none now and then where none is new.

        Closing the iterator takes the request out of the line.

        Raises:
            RagtuneError: too many are waiting already.
        """
        with self._changed:
            if self.waiting() >= WAITING:
                raise RagtuneError(
                    f"Busy: {TOGETHER} questions are being answered and {WAITING} wait. "
                    "Try again in a moment."
                )
            self._line.append(request)
            self._changed.notify_all()
        try:
            while True:
                try:
                    fresh = request.out.get(timeout=BEAT_SECONDS)
                except queue.Empty:
                    yield []
                    continue
                if fresh is None:
                    return
                if isinstance(fresh, BaseException):
                    raise fresh
                yield fresh
        finally:
            request.cancelled = True

    def turn(self) -> bool:
        """Give one turn to all who are in work; return whether there was any work."""
        with self._changed:
            self._line = deque(r for r in self._line if not r.cancelled)
            while self._line and len(self._active) < TOGETHER:
                request = self._line.popleft()
                request.queue_ms = (time.perf_counter() - request.asked) * 1000
                self._active.append(request)
        self._active = [r for r in self._active if not r.cancelled]
        for weights in {id(r.weights): r.weights for r in self._active}.values():
            self._step(weights, [r for r in self._active if r.weights is weights])
        return bool(self._active or self._line)

    def _step(self, weights: Int8Weights, requests: list[Request]) -> None:
        """Let requests with the same weights read on, in one pass over these.

        All who write get their next token; the prompts share what is left of the pass.
        """
        left, parts, reading = _PASS_TOKENS, [], []
        for request in sorted(requests, key=lambda r: r.read < len(r.prompt)):
            if left > 0:
                cache, tokens = self._next(request, left)
                parts.append((cache, tokens))
                reading.append(request)
                left -= len(tokens)
        try:
            _, chosen = read(weights, parts)
        except Exception as error:  # told to those who wait for it; the line goes on
            for request in reading:
                request.out.put(request.untold)  # what was written stays
                request.out.put(error)
                request.cancelled = True
            return
        for request, token in zip(reading, chosen, strict=True):
            assert request.cache is not None
            request.read = min(len(request.prompt), request.cache.length)
            if not request.written:
                self._keep_opening(request)
            if request.read < len(request.prompt):
                continue
            _write(request, token)

    def _next(self, request: Request, most: int) -> tuple[Cache, Sequence[int]]:
        """Return what a request reads next: more of its prompt, or the token it wrote last."""
        if request.cache is None:
            request.cache = new_cache(request.weights, len(request.prompt) + request.limit)
            begun = self._begun.get(request.weights, {}).get(_opening(request))
            if begun is not None:
                begin(request.cache, begun)
                request.read = begun.length
        if request.read < len(request.prompt):
            return request.cache, request.prompt[request.read : request.read + most]
        return request.cache, [request.last]

    def _keep_opening(self, request: Request) -> None:
        """Keep the opening of a request that has read it, where it is new."""
        kept, opening = self._begun.setdefault(request.weights, {}), _opening(request)
        if opening in kept or not 0 < len(opening) <= request.read:
            return
        assert request.cache is not None
        if len(kept) == _OPENINGS:
            del kept[next(iter(kept))]
        kept[opening] = beginning(request.cache, len(opening))


def _opening(request: Request) -> tuple[int, ...]:
    # Something is left to read, since the next token follows from that.
    return tuple(request.prompt[: min(request.opening, len(request.prompt) - 1)])


def _write(request: Request, token: int) -> None:
    """Add a token to the answer; tell it now or, where something was told just now, soon."""
    request.last, request.written = token, request.written + 1
    if token not in request.ends:
        request.untold.append(token)
    ended = token in request.ends or request.written == request.limit
    now = time.perf_counter()
    if request.untold and (ended or now - request.told >= _TELL_SECONDS):
        request.out.put(request.untold)
        request.untold, request.told = [], now
    if ended:
        request.out.put(None)
        request.cancelled = True


class _End:
    """Tells a thread to come to its end."""

    def __init__(self, changed: threading.Condition) -> None:
        self.changed = changed
        self.reached = False

    def come(self) -> None:
        """Let it end after its turn."""
        self.reached = True
        with self.changed:
            self.changed.notify_all()


def _work(owner: "weakref.ref[Batcher]", end: _End) -> None:
    while not end.reached:
        batcher = owner()
        if batcher is None:
            return
        busy = batcher.turn()
        del batcher
        if not busy:
            with end.changed:
                batcher = owner()
                idle = batcher is not None and not batcher.waiting()
                del batcher
                if idle and not end.reached:
                    end.changed.wait(1.0)


_threads: "weakref.WeakKeyDictionary[threading.Thread, _End]" = weakref.WeakKeyDictionary()


@atexit.register
def _wait_for_threads() -> None:
    """Wait for the threads: one that Python stops while it frees weights aborts the process."""
    for thread, end in list(_threads.items()):
        end.come()
        thread.join(_ENDING_SECONDS)
