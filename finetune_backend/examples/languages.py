"""Which language an example is written in, where that is beyond doubt."""

import functools
from typing import Any

from workbench.values import Example

SURE = 0.7
"""How likely a language has to be, of 1, for a row to count as written in it."""
FEWEST_BYTES = 30
"""Of what is shorter, names and figures for the most part, nothing is said."""

_NAMES = {
    "ar": "Arabic",
    "bg": "Bulgarian",
    "bn": "Bengali",
    "cs": "Czech",
    "da": "Danish",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "fa": "Persian",
    "fi": "Finnish",
    "fr": "French",
    "he": "Hebrew",
    "hi": "Hindi",
    "hr": "Croatian",
    "hu": "Hungarian",
    "id": "Indonesian",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "nl": "Dutch",
    "no": "Norwegian",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "sk": "Slovak",
    "sr": "Serbian",
    "sv": "Swedish",
    "ta": "Tamil",
    "th": "Thai",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "ur": "Urdu",
    "vi": "Vietnamese",
    "zh": "Chinese",
}


def language(example: Example) -> str:
    """Return the name of an example's language, and nothing where it may be another.

    Languages without a name here, of which small models know little, are never said: they are
    what short rows of other languages are most often taken for.
    """
    text = f"{example.question} {example.answer}"
    if len(text.encode("utf-8", "replace")) < FEWEST_BYTES:
        return ""
    code, likely = _identifier().classify(text)
    return _NAMES.get(code, "") if likely >= SURE else ""


@functools.cache
def _identifier() -> Any:
    from py3langid import langid  # reads its table of features when it is wanted

    return langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
