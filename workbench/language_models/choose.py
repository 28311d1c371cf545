"""Which engine runs a checkpoint."""

from dataclasses import dataclass

from workbench.hardware import best_device
from workbench.language_models.engine import Engine
from workbench.language_models.loading import Checkpoint
from workbench.settings import ENGINES


@dataclass(frozen=True, slots=True)
class Choice:
    """The engine that serves a checkpoint now."""

    engine: str
    why: str = ""
    """Why it is not the faster one, as the end of a sentence; empty where there is none."""
    can_prepare: bool = False
    """Would the faster one serve if it were made ready? See `prepared.start_preparing`."""


def choose_engine(wanted: str, checkpoint: Checkpoint) -> Choice:
    """Turn what the settings want into an engine: "auto" takes the fastest that is sound.

    That is transformers on a GPU; on a CPU int8, once the checkpoint has been converted and
    has passed the parity gate, and transformers until then.
    """
    if checkpoint.server:
        return Choice("server")
    if wanted == "transformers":
        return Choice(wanted)
    if wanted == "auto" and best_device() != "cpu":
        return Choice("transformers")
    from workbench.language_models.int8.prepared import readiness

    ready = readiness(checkpoint)
    if wanted == "int8" or ready.state == "ready":
        return Choice("int8", can_prepare=ready.state == "missing")
    return Choice("transformers", ready.reason, ready.state == "missing")


def load_engine(name: str, checkpoint: Checkpoint, adapter_bytes: int = 1_000_000_000) -> Engine:
    """Load a checkpoint into the engine with this name.

    Args:
        name: one of those that `choose_engine` returns.
        checkpoint: what it is to serve.
        adapter_bytes: how much memory copies with an adapter may take, where the engine
            makes such copies.

    Raises:
        ValueError: there is no such engine.
        RagtuneError: the engine can't serve the checkpoint.
    """
    if name == "transformers":
        from workbench.language_models.transformers_engine import TransformersEngine

        return TransformersEngine(checkpoint)
    if name == "int8":
        from workbench.language_models.int8.engine import Int8Engine

        return Int8Engine(checkpoint, adapter_bytes)
    if name == "server":
        from workbench.language_models.server_engine import ServerEngine

        return ServerEngine(checkpoint)
    raise ValueError(f"There is no engine {name!r}; engines: {', '.join(ENGINES[1:])}, server.")
