"""Which engine runs a checkpoint."""

from workbench.language_models.engine import Engine
from workbench.language_models.loading import Checkpoint
from workbench.settings import ENGINES


def load_engine(name: str, checkpoint: Checkpoint) -> Engine:
    """Load a checkpoint into the engine with this name.

    Raises:
        ValueError: there is no such engine.
        RagtuneError: the engine can't serve the checkpoint.
    """
    if name == "transformers":
        from workbench.language_models.transformers_engine import TransformersEngine

        return TransformersEngine(checkpoint)
    if name == "int8":
        from workbench.language_models.int8.engine import Int8Engine

        return Int8Engine(checkpoint)
    if name == "server":
        from workbench.language_models.server_engine import ServerEngine

        return ServerEngine(checkpoint)
    raise ValueError(f"There is no engine {name!r}; engines: {', '.join(ENGINES)}, server.")
