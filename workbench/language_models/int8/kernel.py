"""Build and load the compiled forward passes, and call the language model's, llama.c."""

import ctypes
import functools
import hashlib
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock

from workbench.errors import RagtuneError
from workbench.files import writing
from workbench.language_models.bundled import models_folder

_FOLDER = Path(__file__).parent
_COMPILER = (sys.executable, "-m", "ziglang", "cc")
_FLAGS = ("-O3", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror")
_COMPILE_SECONDS = 120
_MOST_THREADS = 16


class LinearStruct(ctypes.Structure):
    """vectors.h's Linear."""

    _fields_ = (
        ("weights", ctypes.c_void_p),
        ("scales", ctypes.c_void_p),
        ("totals", ctypes.c_void_p),
        ("bias", ctypes.c_void_p),
        ("inputs", ctypes.c_int32),
        ("outputs", ctypes.c_int32),
    )


class LayerStruct(ctypes.Structure):
    """llama.c's Layer."""

    _fields_ = (
        ("query_key_value", LinearStruct),
        ("attention_output", LinearStruct),
        ("gate_and_up", LinearStruct),
        ("down", LinearStruct),
    )


class ModelStruct(ctypes.Structure):
    """llama.c's Model."""

    _fields_ = (
        ("embedding", ctypes.c_void_p),
        ("cosines", ctypes.c_void_p),
        ("sines", ctypes.c_void_p),
        ("layers", ctypes.POINTER(LayerStruct)),
        ("head", LinearStruct),
        ("layer_count", ctypes.c_int32),
        ("width", ctypes.c_int32),
        ("heads", ctypes.c_int32),
        ("key_heads", ctypes.c_int32),
        ("head_size", ctypes.c_int32),
        ("feed_forward", ctypes.c_int32),
        ("rotated", ctypes.c_int32),
        ("vocabulary", ctypes.c_int32),
        ("epsilon", ctypes.c_float),
    )


class PartStruct(ctypes.Structure):
    """llama.c's Part."""

    _fields_ = (
        ("keys", ctypes.c_void_p),
        ("values", ctypes.c_void_p),
        ("tokens", ctypes.c_void_p),
        ("capacity", ctypes.c_int32),
        ("length", ctypes.c_int32),
        ("count", ctypes.c_int32),
    )


@functools.cache
def load_kernel() -> Any:
    """Return the library, built for this processor where that has not been done.

    Raises:
        RagtuneError: it can't be built here.
    """
    library = models_folder() / f"int8-kernel-{build_id()}{_suffix()}"
    if not library.exists():
        with writing(library):
            library.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(library.with_suffix(".lock")):
                if not library.exists():
                    build(library)
    kernel = ctypes.CDLL(str(library))
    kernel.use_threads(min(_MOST_THREADS, cores()))
    return kernel


def why_not() -> str | None:
    """Say why there is no kernel on this machine, or None where there is."""
    try:
        load_kernel()
    except RagtuneError as error:
        return str(error)
    return None


def build(library: Path, *flags: str) -> None:
    """Compile the kernel into a library.

    Args:
        library: the file to write.
        flags: for another processor than this one, for example "-march=x86_64_v3".

    Raises:
        RagtuneError: the compiler is missing or failed.
    """
    sources = [str(source) for source in _FOLDER.glob("*.c")]
    with tempfile.TemporaryDirectory(dir=library.parent) as folder:
        made = Path(folder) / library.name
        done = subprocess.run(
            [*_COMPILER, *_FLAGS, *(flags or ("-march=native",)), "-o", str(made), *sources],
            # Its caches are of no use afterwards.
            env={
                **os.environ,
                "ZIG_GLOBAL_CACHE_DIR": f"{folder}/global",
                "ZIG_LOCAL_CACHE_DIR": f"{folder}/local",
            },
            capture_output=True,
            text=True,
            timeout=_COMPILE_SECONDS,
            check=False,
        )
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["it said nothing"]
            raise RagtuneError(
                f"The int8 engine can't be built for this processor: {lines[-1][:200]} "
                "Run `make install` again, or choose the engine transformers in Settings."
            )
        made.chmod(0o755)  # one installation may serve several users
        made.replace(library)


def run(model: ModelStruct, parts: Sequence[PartStruct], logits: Any) -> list[int]:
    """Read the next tokens of several conversations; return each one's most likely next.

    Args:
        model: see `workbench.language_models.int8.weights.Int8Weights.struct`.
        parts: one for each conversation.
        logits: float32 array of shape (conversations, padded vocabulary) to write to.

    Raises:
        MemoryError: there was no room for the rows in work.
    """
    array, chosen = (PartStruct * len(parts))(*parts), (ctypes.c_int32 * len(parts))()
    room = ctypes.c_void_p(logits.ctypes.data)
    if load_kernel().forward(ctypes.byref(model), array, len(parts), room, chosen):
        raise MemoryError("There is not enough memory to read the question. Ask less at once.")
    return list(chosen)


@functools.cache
def build_id() -> str:
    """Return what changes where another library is needed: the sources or the processor."""
    sources = [source.read_bytes() for source in sorted(_FOLDER.glob("*.[ch]"))]
    made_of = [*sources, " ".join(_FLAGS).encode(), _processor().encode()]
    return hashlib.sha256(b"\n".join(made_of)).hexdigest()[:16]


def _processor() -> str:
    """Name this processor's instructions."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith(("flags", "Features")):
                return line
    return f"{platform.machine()} {platform.processor()} {platform.platform()}"


def _suffix() -> str:
    return ".dylib" if sys.platform == "darwin" else ".so"


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
