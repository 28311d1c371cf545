"""The one kind of error that is shown to a person as it stands."""


class RagtuneError(Exception):
    """Something a person can put right.

    The message is one or two plain sentences: what was given, what was expected,
    what to do. Pages show it in a box, the command line prints it on stderr and
    exits with 1.
    """


class DocumentError(RagtuneError):
    """A document was refused; the message names the document and the reason."""


class ExamplesError(RagtuneError):
    """Training examples were refused; the message says which and why."""
