"""How large the inputs of MiniLM's products become: ``python -m workbench.minilm_peaks FILE…``.

Some are ten times as large as the others, whatever the text. Known beforehand, they can be made
smaller and the weights that they meet larger, so that bytes say nearly what bfloat16 says; see
`workbench.minilm_compiled.turned`.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench import minilm

if TYPE_CHECKING:
    from torch import Tensor

_PEAKS = Path(__file__).with_name("minilm_peaks.safetensors")
_TOKENS = 4096
_LONGEST = 256


def load_peaks() -> dict[str, NDArray[np.float32]]:
    """Return what `measure` said of the packaged model."""
    from safetensors.numpy import load_file

    return load_file(_PEAKS)


def measure(texts: Sequence[str]) -> "dict[str, Tensor]":
    """Return the largest size of each input, by the name of the layer that it goes into."""
    import torch
    from torch.nn import functional

    peaks: dict[str, Tensor] = {}

    def watched(name: str, weight: "Tensor", bias: "Tensor") -> minilm.Linear:
        def apply(x: "Tensor") -> "Tensor":
            seen = x.abs().amax(0)
            peaks[name] = torch.maximum(peaks.get(name, seen), seen)
            return functional.linear(x, weight, bias)

        return apply

    model = minilm.MiniLm(minilm.load_weights(), "cpu", torch.float32, watched)
    read = minilm.load_tokenizer().encode_batch(list(texts), add_special_tokens=False)
    rows = [[minilm.FIRST, *one.ids[: _LONGEST - 2], minilm.LAST] for one in read]
    with torch.inference_mode():
        for batch in minilm.batches(rows, _TOKENS):
            model.mean([rows[number] for number in batch])
    eased = ("attention.self.query", "intermediate.dense")
    return {name: seen for name, seen in peaks.items() if name.endswith(eased)}


def main() -> None:
    """Measure on the paragraphs of text files, and keep it."""
    from safetensors.torch import save_file

    texts = [Path(name).read_text(encoding="utf-8") for name in sys.argv[1:]]
    paragraphs = [part for text in texts for part in text.split("\n\n") if part.strip()]
    if not paragraphs:
        sys.exit(__doc__)
    save_file(measure(paragraphs), _PEAKS)
    _PEAKS.chmod(0o644)
    print(f"{len(paragraphs)} paragraphs", file=sys.stderr)


if __name__ == "__main__":
    main()
