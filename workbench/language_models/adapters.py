"""Put a PEFT adapter on a loaded model."""

from pathlib import Path
from typing import Any

from workbench.errors import RagtuneError
from workbench.language_models.loading import Checkpoint, making_model
from workbench.language_models.quiet import importing


def with_adapter(model: Any, adapter: Path, checkpoint: Checkpoint, name: str = "default") -> Any:
    """Return the model, or the PeftModel that it is already, with one more adapter loaded.

    Raises:
        RagtuneError: there is no adapter in the folder, or it is for another model; the
            model's layers may be changed already then and must not be used any more.
    """
    with importing:
        from peft import PeftModel
    from safetensors import SafetensorError

    if not (adapter / "adapter_model.safetensors").exists():
        raise RagtuneError(
            f"There is no adapter in {adapter}: adapter_model.safetensors was expected."
        )
    try:
        with making_model:
            if isinstance(model, PeftModel):
                model.load_adapter(adapter, adapter_name=name)
            else:
                model = PeftModel.from_pretrained(model, adapter, adapter_name=name)
    except SafetensorError as error:
        raise RagtuneError(
            f"The adapter in {adapter} is damaged ({error}). Train it again."
        ) from error
    except (RuntimeError, ValueError, KeyError) as error:
        raise RagtuneError(
            f"The adapter in {adapter} does not fit {checkpoint.name}: it was made "
            "for another model. Choose its model in Settings, or train a new adapter."
        ) from error
    return model.eval()
