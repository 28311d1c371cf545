"""Files are the old or the new content, and a full disk is one clear sentence."""

import errno
import resource
import subprocess
import sys

import pytest

from workbench.errors import RagtuneError
from workbench.files import disk_sentence, write_bytes


def test_an_interrupted_write_leaves_the_old_content(tmp_path):
    path = tmp_path / "file"
    write_bytes(path, b"old")
    script = (
        "import os, signal, pathlib\n"
        "from workbench import files\n"
        "os.fsync = lambda _descriptor: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"files.write_bytes(pathlib.Path({str(path)!r}), b'new')\n"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
    assert path.read_bytes() == b"old"


def test_no_room_is_one_clear_sentence(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(RagtuneError, match="is full. Free some space"):
            write_bytes(tmp_path / "file", b"x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_other_errors_are_not_called_a_full_disk(tmp_path):
    assert disk_sentence(OSError(errno.ENOENT, "no such file"), tmp_path) is None
    assert "can't be written" in str(disk_sentence(OSError(errno.EROFS, "x"), tmp_path))
