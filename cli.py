"""The front door for terminals and scripts: ``ragtune …``.

Heavy imports live inside the commands, so that ``ragtune --help`` is instant.
"""

import argparse
import sys
from collections.abc import Sequence

from commands import (
    adapters,
    advising,
    asking,
    documents,
    evaluating,
    examples,
    exams,
    experimenting,
    handing_on,
    judging,
    serving,
    settings,
    stopping,
    sweeps,
    training,
)
from commands.parsers import Parsers
from workbench.errors import RagtuneError

_KINDS = (
    serving,
    settings,
    documents,
    examples,
    exams,
    training,
    sweeps,
    stopping,
    adapters,
    asking,
    evaluating,
    judging,
    handing_on,
    experimenting,
    advising,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 failed, 2 wrong usage."""
    options = _parser().parse_args(arguments)
    try:
        result = options.run(options)
    except RagtuneError as error:
        print(f"ragtune: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("ragtune: stopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output went away, as `| head` does
        return 1
    return int(result or 0)


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--home",
        default=argparse.SUPPRESS,
        metavar="DIR",
        help="where everything is kept (default: RAGTUNE_HOME, or ~/.ragtune)",
    )
    common.add_argument(
        "--json",
        action="store_true",
        default=argparse.SUPPRESS,
        help="print one JSON document on stdout and nothing else there",
    )
    parser = argparse.ArgumentParser(
        prog="ragtune",
        description="Retrieval, fine-tuning, or both? Measured on your own documents.",
        parents=[common],
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    parsers = Parsers(commands, common)
    for kind in _KINDS:
        kind.add(parsers)
    return parser


if __name__ == "__main__":
    sys.exit(main())
