"""Kills at random moments of a fine-tune: ``python -m benchmarks.run_kills [COUNT]``.

About an hour for 200 on two cores. A small model made for this is fine-tuned in a process of its
own, which is killed at any moment from its start to the last file that it writes, and let go on,
until the run is complete. The adapter must then be, to the bit, that of a run that nobody killed,
and every step must be there once.
"""

import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.report import figure, print_report, tell
from finetune_backend.runs import Run, read_run, save_run
from finetune_backend.saved import read_reached
from finetune_backend.settings import TrainSettings
from finetune_backend.start_run import resume_run, start_run
from finetune_backend.steps import read_steps
from workbench.home import open_home
from workbench.language_models.loading import Checkpoint, find_checkpoint, load_tokenizer
from workbench.settings import DEFAULT_MODEL
from workbench.values import Example

COUNT = 200
_SETTINGS = TrainSettings(epochs=40, batch_size=2, rank=4)
_EXAMPLES = [
    Example(f"What does the kite number {n} cost?", f"It costs {7 * n} shillings.", str(n))
    for n in range(12)
]


def main() -> None:
    """Kill as often as wanted, and print the report."""
    count = int(sys.argv[1]) if sys.argv[1:] else COUNT
    draw, broken, kills, complete = random.Random(0), list[str](), 0, 0
    with tempfile.TemporaryDirectory() as place:
        home, checkpoint = open_home(Path(place) / "home"), make_model(Path(place) / "model")
        reference = start_run(home, _EXAMPLES, _SETTINGS, checkpoint, name="reference")
        started = time.monotonic()
        reference = left_alone(reference)
        longest = time.monotonic() - started  # from a start to its kill
        tell(f"a run that nobody kills takes {longest:.0f} s")
        while kills < count:
            run = start_run(home, _EXAMPLES, _SETTINGS, checkpoint)
            while kills < count and kill(run, draw.uniform(0, longest)):
                kills += 1
                if trouble := look(run):
                    broken.append(f"kill {kills}: {trouble}")
                    tell(broken[-1])
                run = resume_run(home, read_run(run.folder))
                if kills % 20 == 0:
                    tell(f"{kills} kills, {complete} runs complete, {len(broken)} broken")
            run = left_alone(run)
            complete += 1
            if trouble := differs(run, reference):
                broken.append(f"{run.name}: {trouble}")
                tell(broken[-1])
    print_report(
        "run_kills",
        [
            {
                **figure("broken_after_kill", len(broken), "runs", "lower", 0),
                "kills": kills,
                "runs_completed": complete,
                "broken": broken,
            }
        ],
    )


def kill(run: Run, seconds: float) -> bool:
    """Kill a run so many seconds after its start; return False where it was complete before."""
    started = time.monotonic()
    while (passed := time.monotonic() - started) < seconds:
        if not read_run(run.folder).state.active:
            return False
        if passed > seconds / 2:
            save_run(run)  # so that saving is struck too
        time.sleep(min(0.2, seconds - passed))
    pid = int((run.folder / "pid").read_text(encoding="utf-8"))
    os.kill(pid, signal.SIGKILL)
    while _runs(pid):
        time.sleep(0.01)
    return not read_run(run.folder).complete


def look(run: Run) -> str:
    """Say what is wrong with a killed run, or nothing."""
    state = read_run(run.folder).state
    if state.active:
        return f"it is said to be {state.state}"
    steps, reached = read_steps(run.folder), read_reached(run.folder)
    if [step.step for step in steps] != list(range(1, len(steps) + 1)):
        return "its steps are not those that it made"
    if reached and reached.step > len(steps):
        return "its saved state is ahead of its steps"
    return ""


def left_alone(run: Run) -> Run:
    """Wait for a run's end."""
    while (run := read_run(run.folder)).state.active:
        time.sleep(0.2)
    return run


def differs(run: Run, reference: Run) -> str:
    """Say in what a run ended otherwise than the one that nobody killed, or nothing."""
    if not run.complete:
        return f"it is {run.state.state}: {run.state.message}"
    if run.adapter_sha256 != reference.adapter_sha256:
        return "its adapter is another"
    ours, theirs = read_steps(run.folder), read_steps(reference.folder)
    if [(s.step, s.loss) for s in ours] != [(s.step, s.loss) for s in theirs]:
        return "its steps are others"
    return ""


def make_model(folder: Path) -> Checkpoint:
    """Make a Llama of two small layers with random weights."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    tokenizer = load_tokenizer(find_checkpoint(DEFAULT_MODEL))
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        eos_token_id=2,
        pad_token_id=2,
        tie_word_embeddings=True,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return find_checkpoint(str(folder))


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    main()
