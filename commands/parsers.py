"""Where commands are declared."""

import argparse
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Parsers:
    """Takes the commands, and knows the options that all of them have."""

    commands: Any
    common: argparse.ArgumentParser

    def command(self, name: str, run: Any, help: str) -> argparse.ArgumentParser:
        """Declare a command; its options are added to what is returned.

        Args:
            name: as it is typed.
            run: called with the options; what it returns is the exit code, None for 0.
            help: what it does.
        """
        made: argparse.ArgumentParser = self.commands.add_parser(
            name, help=help, description=help, parents=[self.common]
        )
        made.set_defaults(run=run)
        return made
