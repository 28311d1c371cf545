"""A tokenizer that is there at once: the file's own, without the libraries around it.

Importing transformers takes seconds, of which serving an answer needs nothing.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workbench.files import read_json
from workbench.language_models.loading import Checkpoint, load_tokenizer

_PLAIN_KINDS = ("TokenizersBackend", "PreTrainedTokenizerFast")
"""The classes that add nothing to what ``tokenizer.json`` says."""


class PlainTokenizer:
    """What an engine needs of a tokenizer, called as transformers calls it."""

    def __init__(self, file: Path, chat_template: str) -> None:
        from tokenizers import Tokenizer

        self._tokenizer: Any = Tokenizer.from_file(str(file))
        self.chat_template = chat_template
        self._template = _compiled(chat_template)
        self.added_tokens_decoder: dict[int, Any] = self._tokenizer.get_added_tokens_decoder()

    def __call__(self, text: str, *, add_special_tokens: bool = True) -> dict[str, list[int]]:
        """Return the text's tokens as ``input_ids``."""
        encoded = self._tokenizer.encode(text, add_special_tokens=add_special_tokens)
        return {"input_ids": encoded.ids}

    def decode(self, tokens: Sequence[int], *, skip_special_tokens: bool = False) -> str:
        """Return the text of some tokens."""
        return str(self._tokenizer.decode(tokens, skip_special_tokens=skip_special_tokens))

    def apply_chat_template(
        self, chat: Sequence[dict[str, str]], *, tokenize: bool, add_generation_prompt: bool
    ) -> str:
        """Return the prompt text of a conversation; ``tokenize`` must be false."""
        if tokenize:
            raise ValueError("tokenize=True was given; only the text can be had.")
        return str(
            self._template.render(messages=chat, add_generation_prompt=add_generation_prompt)
        )


def serving_tokenizer(checkpoint: Checkpoint) -> Any:
    """Return the checkpoint's tokenizer to serve with: a plain one where that says the same."""
    folder = checkpoint.folder
    assert folder is not None
    config, template = folder / "tokenizer_config.json", folder / "chat_template.jinja"
    file = folder / "tokenizer.json"
    if file.exists() and config.exists() and template.exists():
        said = read_json(config)
        cleans = said.get("clean_up_tokenization_spaces", False)
        if said.get("tokenizer_class") in _PLAIN_KINDS and not cleans:
            return PlainTokenizer(file, template.read_text(encoding="utf-8"))
    return load_tokenizer(checkpoint)


def _compiled(chat_template: str) -> Any:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    # As transformers does it: a template comes with a model and may come from anybody.
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    return environment.from_string(chat_template)
