"""What is paid for answers and fine-tunes, as a person has said it once for all that asks."""

import dataclasses
from dataclasses import dataclass

from workbench.errors import RagtuneError
from workbench.files import read_json, write_json
from workbench.home import Home
from workbench.settings import check_options, from_mapping, option


@dataclass(frozen=True, slots=True)
class Prices:
    """What is paid, in any one currency; 0 is not known."""

    machine_hour: float = option(0.0, "An hour of the machine that answers and trains.", 0.0, 1e6)
    tokens_read: float = option(
        0.0, "A million tokens read, where a server is paid by tokens.", 0.0, 1e6
    )
    tokens_written: float = option(
        0.0, "A million tokens written, where a server is paid by tokens.", 0.0, 1e6
    )

    def __post_init__(self) -> None:
        check_options(self)

    @property
    def by_tokens(self) -> bool:
        """Are answers paid by tokens?"""
        return self.tokens_read > 0 or self.tokens_written > 0


def load_prices(home: Home) -> Prices:
    """Return the prices that are kept; without any, none is known.

    Raises:
        RagtuneError: the file is not what `save_prices` wrote.
    """
    saved = read_json(home.prices) if home.prices.exists() else {}
    if not isinstance(saved, dict):
        raise RagtuneError(f"{home.prices} should hold one JSON object. Move it away.")
    return from_mapping(Prices, saved)


def save_prices(home: Home, prices: Prices) -> None:
    """Keep the prices."""
    write_json(home.prices, dataclasses.asdict(prices))
