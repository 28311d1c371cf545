"""Exports: a run's adapter for other programs, checked by loading it again."""

import contextlib
import io
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune_backend.exports import gguf_file, merged_folder, peft_folder
from finetune_backend.exports.base import base_of, checkpoint_of
from finetune_backend.exports.card import write_card
from finetune_backend.exports.check import BOUNDS, Check, compare, listen, questions_of
from finetune_backend.runs import Run
from workbench.errors import RagtuneError
from workbench.files import disk_sentence, read_json, sync_folder, write_bytes
from workbench.language_models.adapters import with_adapter
from workbench.language_models.loading import (
    Checkpoint,
    load_tokenizer,
    load_weights,
    making_model,
)
from workbench.language_models.quiet import importing, quiet_transformers

PRECISIONS: dict[str, tuple[str, ...]] = {
    "peft": ("float32",),
    "merged": merged_folder.HALVES,
    "gguf": gguf_file.PRECISIONS,
}
"""What an adapter can be exported as, and the precisions of its weights, the usual one first;
"merged" takes by default what `merged_folder.best_half` finds."""
_BYTES_A_WEIGHT = {"float32": 4.0, "float16": 2.0, "bfloat16": 2.0, "q8_0": 1.0625}
_BESIDE_BYTES = 20_000_000
"""Tokenizer, card and the like."""

Progress = Callable[[str, float], object]
"""Called with what is being done and the share that is done."""


@dataclass(frozen=True, slots=True)
class Exported:
    """An export that passed its check."""

    place: Path
    form: str
    """A key of `PRECISIONS`."""
    precision: str
    size_bytes: int
    check: Check
    note: str
    """Why it is in this precision; empty where there was no choice."""

    def sentence(self) -> str:
        """Say what the check found, and of what: "12 of 12 answers equal; …"."""
        note = f"; {self.note}" if self.note else ""
        return f"{self.check.sentence()}{note}"


def export(
    run: Run,
    target: Path,
    form: str,
    precision: str = "",
    progress: Progress = lambda _message, _share: None,
) -> Exported:
    """Write an adapter for other programs, load that again, and compare what it says.

    What doesn't say what PEFT says on the base, in float32, is deleted. The target appears at
    the end, as a whole, with its card.

    Args:
        run: a complete one.
        target: a folder to make for "peft" and "merged", a file for "gguf".
        form: a key of `PRECISIONS`.
        precision: one of its precisions; empty for the usual one.
        progress: see `Progress`.

    Raises:
        RagtuneError: the form or precision is unknown, the run isn't complete, the target is
            there already, the disk is full, the model can't be written so, or the check failed.
    """
    import torch

    check_form(form, precision)
    if not run.complete:
        raise RagtuneError(
            f"The fine-tune {run.name!r} has no adapter to export: it is {run.state.state}."
        )
    for place in (target, card_of(target, form)):
        if place.exists() or place.is_symlink():
            raise RagtuneError(
                f"{place} is there already. Choose another name, or delete it first."
            )
    progress("Loading the model", 0.0)
    checkpoint = checkpoint_of(run)
    tokenizer = load_tokenizer(checkpoint)
    if form == "gguf":
        _check_writable(checkpoint, tokenizer)
    model = load_weights(checkpoint, torch.float32, "cpu")
    tuned = with_adapter(model, run.adapter, checkpoint)
    reference = listen(
        tuned,
        tokenizer,
        questions_of(run, tokenizer),
        read_json(run.folder / "run.json")["system_prompt"],
        lambda share: progress("Asking the model with its adapter", 0.15 + 0.35 * share),
    )
    with _made_beside(target) as work:
        made = work / target.name
        progress("Writing", 0.5)
        precision, note = _write(run, tuned, tokenizer, checkpoint, made, form, precision)
        del model, tuned  # before the weights come a second time
        progress("Loading what was written", 0.6)
        check = compare(
            reference,
            *_load(made, form, checkpoint),
            BOUNDS[precision],
            lambda share: progress("Comparing its answers", 0.75 + 0.2 * share),
        )
        if not check.passed:
            raise RagtuneError(
                f"The export was deleted, as it doesn't say what the adapter says: "
                f"{check.sentence()}. Choose another precision or form."
            )
        size = sum(file.stat().st_size for file in (made, *made.rglob("*")) if file.is_file())
        exported = Exported(target, form, precision, size, check, note)
        card = card_of(made, form)
        write_bytes(card, write_card(run, form, exported.sentence()).encode())
        _sync(made)
        made.replace(target)
        if card.exists():  # beside the file
            card.replace(card_of(target, form))
        sync_folder(target.parent)
    progress("Done", 1.0)
    return exported


def card_of(target: Path, form: str) -> Path:
    """Return where an export's card is: in its folder, or beside its file."""
    if form == "gguf":
        return target.with_name(f"{target.name.removesuffix('.gguf')}.md")
    return target / "README.md"


def check_form(form: str, precision: str = "") -> None:
    """Make sure that there is such a form of export.

    Raises:
        RagtuneError: there is none, or not in this precision.
    """
    if form not in PRECISIONS:
        raise RagtuneError(f"{form!r} was given; one of {', '.join(PRECISIONS)} was expected.")
    if precision and precision not in PRECISIONS[form]:
        raise RagtuneError(
            f"{form} can't be written in {precision!r}; {' or '.join(PRECISIONS[form])} was "
            "expected."
        )


def _write(
    run: Run,
    tuned: Any,
    tokenizer: Any,
    checkpoint: Checkpoint,
    made: Path,
    form: str,
    precision: str,
) -> tuple[str, str]:
    """Write an export, and return its precision and why it is that one.

    Args:
        run: whose adapter it is.
        tuned: a PeftModel in float32, which is merged.
        tokenizer: the checkpoint's.
        checkpoint: the base.
        made: the folder or file to write.
        form, precision: as for `export`.
    """
    if form == "peft":
        _check_space(made, (run.adapter / "adapter_model.safetensors").stat().st_size)
        peft_folder.save(run, made)
        return PRECISIONS[form][0], ""
    merged, note = tuned.merge_and_unload(), ""
    if form == "merged" and not precision:
        precision, note = merged_folder.best_half(merged, checkpoint)
    precision = precision or PRECISIONS[form][0]
    weights = sum(weight.numel() for weight in merged.parameters())
    _check_space(made, weights * _BYTES_A_WEIGHT[precision])
    if form == "merged":
        merged_folder.save(merged, tokenizer, made, precision)
    else:
        gguf_file.save(merged, tokenizer, made, precision, run.name, base_of(run))
    return precision, note


def _check_writable(checkpoint: Checkpoint, tokenizer: Any) -> None:
    with importing:
        from transformers import AutoConfig

    reason = gguf_file.why_not(AutoConfig.from_pretrained(checkpoint.folder), tokenizer)
    if reason:
        raise RagtuneError(
            f"{checkpoint.name} can't be written as GGUF: {reason}. Export it as merged, which "
            "llama.cpp's own convert_hf_to_gguf.py reads."
        )


def _load(made: Path, form: str, checkpoint: Checkpoint) -> tuple[Any, Any]:
    """Load an export as others will, in float32, with its tokenizer where it has one."""
    import torch

    with importing:
        from transformers import AutoModelForCausalLM

    if form == "peft":
        return with_adapter(load_weights(checkpoint, torch.float32, "cpu"), made, checkpoint), None
    if form == "merged":
        written = Checkpoint(made.name, made, "")
        return load_weights(written, torch.float32, "cpu"), load_tokenizer(written)
    # transformers reads the weights as they are, but splits text as Llama 3 does.
    bars = contextlib.redirect_stderr(io.StringIO())  # it draws one whatever it is told
    with making_model, quiet_transformers(), bars:
        model = AutoModelForCausalLM.from_pretrained(
            made.parent, gguf_file=made.name, dtype=torch.float32
        )
    return model.eval(), None


@contextlib.contextmanager
def _made_beside(target: Path) -> Iterator[Path]:
    """Give a folder beside the target for what isn't complete; it is gone afterwards."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        work = tempfile.mkdtemp(".partial", f".{target.name}.", target.parent)
    except OSError as error:
        raise RagtuneError(
            disk_sentence(error, target) or f"{target} can't be made: {error.strerror}."
        ) from error
    try:
        yield Path(work)
    except RagtuneError:
        raise
    except Exception as error:  # safetensors wraps what the system says in its own kind
        reason = disk_sentence(error, target)
        if reason is None:
            raise
        raise RagtuneError(reason) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _check_space(made: Path, size_bytes: float) -> None:
    place = made.parent.parent  # of what isn't complete is the folder in between
    free, needed = shutil.disk_usage(place).free, size_bytes + _BESIDE_BYTES
    if free < needed:
        raise RagtuneError(
            f"The disk that holds {place} is nearly full ({free / 1e6:,.0f} MB left; the export "
            f"needs {needed / 1e6:,.0f} MB). Free some space and try again."
        )


def _sync(made: Path) -> None:
    for file in (made, *made.rglob("*")):
        if file.is_file():
            with file.open("rb") as written:
                os.fsync(written.fileno())
