"""Care for a library that talks to developers, and imports its parts when they are named."""

import contextlib
import threading
from collections.abc import Iterator

importing = threading.RLock()
"""Held while transformers, or what stands on it, is imported: its parts import each other when
they are first named, and a second thread that names one meanwhile finds it missing."""


@contextlib.contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep progress bars and advice meant for developers off the terminal."""
    with importing:
        from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
