"""The card of an adapter: what it is, what it was made from, what it costs, how to use it."""

import dataclasses
import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from finetune_backend.exports.base import HUB_ID, NOT_STATED, Base, base_of
from finetune_backend.forgetting.probes import KINDS
from finetune_backend.runs import Run, trained_examples
from finetune_backend.settings import TrainSettings
from workbench.files import read_json

_MOST_DOCUMENTS = 50
_MARKUP = re.compile(r"([\\`*_<>\[\]&|])")
"""What Markdown would take for more than a character; the check of an export quotes questions."""
_LICENCE_IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9.-]*")
_MEASURES = {
    "loss": "mean cross-entropy per answer token in the last epoch, in nats; lower is better",
    "recall": "share of held-out wordings answered word for word at the end, from 0 to 1; "
    "higher is better",
    "steps": "optimizer steps made",
    "seconds": "from the first step to the last; lower is better",
    "examples_per_second": "training speed; higher is better",
    "peak_memory_gb": "the most memory held while training, in GB; lower is better",
    "watt_hours": "energy that the processor or the GPU reported for it; lower is better",
}
_NOT_FOR = (
    "Questions that its examples do not cover: it answers those too, from nothing, and just as "
    "surely.",
    "Anything where a wrong answer does harm – medicine, law, money, safety – unless a person "
    "checks each answer against its source.",
    "Facts that change: it keeps what it was trained on until it is trained again.",
    "Another base model, or the same one changed: its matrices fit these weights alone.",
    "Sharing with people who may not read its examples: what it was trained on can be asked out "
    "of it.",
)


def write_card(run: Run, form: str = "peft", checked: str = "") -> str:
    """Return the card of a complete run's adapter as Markdown, with front matter for the hub.

    Args:
        run: a complete one.
        form: what the card lies beside: "peft", "merged" or "gguf".
        checked: what the check of an export said; empty where none was made.
    """
    saved, base = read_json(run.folder / "run.json"), base_of(run)
    parts = (
        _front_matter(base, form),
        _beginning(run, saved, form),
        _section("Base model", _about_base(run, base)),
        _section("Data", _about_data(run, saved)),
        _section("Settings", _about_settings(run)),
        _section("Measures", _about_measures(run)),
        _section("Forgetting", _about_forgetting(run)),
        _section("Check of this export", [_MARKUP.sub(r"\\\1", checked)] if checked else []),
        _section("Versions", [f"{k}: {code(str(v))}" for k, v in saved["versions"].items()]),
        f"## How to load it\n\n{_how_to_load(run, saved, base, form)}\n",
        _section("What it should not be used for", _NOT_FOR),
    )
    return "\n".join(part for part in parts if part)


def code(text: str) -> str:
    """Return a text that somebody chose as a code span, which no character in it can end."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    space = " " if longest else ""
    return f"{fence}{space}{text or '(empty)'}{space}{fence}"


def _front_matter(base: Base, form: str) -> str:
    """Every text is a JSON string, which YAML takes as it is."""
    values: dict[str, Any] = {"pipeline_tag": "text-generation", "tags": ["lora", "ragtune"]}
    values["library_name"] = "peft" if form == "peft" else "transformers"
    if HUB_ID.fullmatch(base.name):
        values["base_model"] = base.name
    if _LICENCE_IDENTIFIER.fullmatch(base.licence):
        values["license"] = base.licence
    lines = (f"{key}: {json.dumps(value)}" for key, value in sorted(values.items()))
    return "\n".join(("---", *lines, "---", ""))


def _beginning(run: Run, saved: dict[str, Any], form: str) -> str:
    made = datetime.fromtimestamp(run.created, UTC).date().isoformat()
    what = {
        "peft": "A LoRA adapter",
        "merged": "A language model with a LoRA adapter merged into its weights",
        "gguf": "A language model with a LoRA adapter merged into its weights, for llama.cpp",
    }[form]
    how = f"trained with Ragtune on {made}"
    if run.imported:
        named = saved["imported"]["base"]
        how = f"made elsewhere and imported into Ragtune on {made}"
        how += f"; it names {code(named)} as its base model" if named else ""
    return f"# {code(run.name)}\n\n{what}, {how}.\n"


def _about_base(run: Run, base: Base) -> Iterator[str]:
    yield f"Name: {code(base.name)}"
    digest = code(run.checkpoint_sha256)
    yield f"SHA-256 of weights and configuration, as Ragtune counts it: {digest}"
    licence = base.licence if base.licence == NOT_STATED else code(base.licence)
    yield f"Licence: {licence}"
    if base.note:
        yield base.note


def _about_data(run: Run, saved: dict[str, Any]) -> Iterator[str]:
    if run.imported:
        yield "Not known: the adapter was made elsewhere."
        return
    yield f"{run.examples} examples (question and answer) about {run.facts} facts"
    documents = sorted({one.document for one in trained_examples(run) if one.document})
    shown = ", ".join(map(code, documents[:_MOST_DOCUMENTS]))
    more = len(documents) - _MOST_DOCUMENTS
    yield f"Documents: {shown or 'none named'}" + (f" and {more} more" if more > 0 else "")
    if "examples_sha256" in saved:
        yield f"SHA-256 of the examples: {code(saved['examples_sha256'])}"
    yield f"System prompt in training: {code(saved['system_prompt'] or '(none)')}"


def _about_settings(run: Run) -> Iterator[str]:
    config = read_json(run.adapter / "adapter_config.json")
    for field in dataclasses.fields(TrainSettings):
        if not run.imported or field.name in ("rank", "alpha", "dropout"):
            value, meaning = getattr(run.settings, field.name), field.metadata["meaning"]
            shown = value if isinstance(value, str) else f"{value:g}"
            yield f"{field.name}: {shown} – {meaning}"
    for flag, name in (("use_rslora", "rsLoRA"), ("use_dora", "DoRA")):
        if config.get(flag):
            yield f"variant: {name}"
    if run.imported:
        yield "The others are not known."


def _about_measures(run: Run) -> Iterator[str]:
    for name, value in (run.measures or {}).items():
        yield f"{name}: {value:.4g}" + (f" – {_MEASURES[name]}" if name in _MEASURES else "")
    yield f"SHA-256 of the adapter's weights: {code(run.adapter_sha256 or '')}"


def _about_forgetting(run: Run) -> Iterator[str]:
    if not run.forgetting:
        yield "Not measured."
        return
    yield "What became of abilities that the base model had; ± is a 95 % interval."
    for change in run.forgetting:
        kind = KINDS[change.kind]
        yield (
            f"{change.kind}: {change.before:.3f} before, {change.after:.3f} after, a change of "
            f"{change.change:+.1f} ± {change.margin:.1f} {kind.unit} – {kind.meaning}"
        )


def _how_to_load(run: Run, saved: dict[str, Any], base: Base, form: str) -> str:
    if form == "gguf":
        return f"```\nllama-server -m {run.name}.gguf\n```"
    folder = repr(f"path/to/{run.name}")
    name = repr(base.name) if form == "peft" else folder
    chat = [{"role": "user", "content": "Your question"}]
    if saved["system_prompt"].strip():
        chat.insert(0, {"role": "system", "content": saved["system_prompt"]})
    lines = (
        *(("from peft import PeftModel",) if form == "peft" else ()),
        "from transformers import AutoModelForCausalLM, AutoTokenizer",
        "",
        f"tokenizer = AutoTokenizer.from_pretrained({name})",
        f"model = AutoModelForCausalLM.from_pretrained({name})",
        *((f"model = PeftModel.from_pretrained(model, {folder})",) if form == "peft" else ()),
        f"chat = {chat!r}",
        "prompt = tokenizer.apply_chat_template(",
        '    chat, add_generation_prompt=True, return_dict=True, return_tensors="pt"',
        ")",
        "answer = model.generate(**prompt, do_sample=False, max_new_tokens=64)",
        "print(tokenizer.decode(answer[0], skip_special_tokens=True))",
    )
    return "\n".join(("```python", *lines, "```"))


def _section(title: str, lines: Iterable[str]) -> str:
    points = "\n".join(f"- {line}" for line in lines)
    return f"## {title}\n\n{points}\n" if points else ""
