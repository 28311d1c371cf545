import threading
import time

from comparison.start_training import estimate_training
from finetune_backend.settings import TrainSettings
from workbench.values import Example

EXAMPLES = [Example(f"Who paints kite {n}?", f"Painter {n}.", str(n)) for n in range(8)]


def test_an_estimate_waits_until_the_models_are_loaded(tiny_lab):
    tiny_lab.loading = "the language model"
    loaded = threading.Event()

    def load():
        time.sleep(0.5)
        loaded.set()
        tiny_lab.loading = ""

    threading.Thread(target=load).start()
    assert estimate_training(tiny_lab, EXAMPLES, TrainSettings(epochs=1)).seconds > 0
    assert loaded.is_set()
