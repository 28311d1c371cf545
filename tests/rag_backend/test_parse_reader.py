"""The process that reads documents: it answers like the parsers, and its end harms nobody."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from made_documents import column, make_pdf, make_xlsx, picture, read, small_docx, texts

from rag_backend.parse import parse
from rag_backend.parse.frames import packed, read_frame, unpacked, write_frame
from rag_backend.parse.reader import Reader
from workbench.errors import DocumentError

SLOW = "<p>x</p>" * 300_000
"""A page that takes many seconds and hundreds of megabytes."""


@pytest.fixture()
def ask(tmp_path):
    """Return a function that asks a reader with limits of its own."""
    readers = []

    def ask(content, name="a.txt", check=None, reader=None, **limits):
        if reader is None:
            reader = Reader(**limits)
            readers.append(reader)
        path = tmp_path / f"upload-{threading.get_ident()}"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return texts(unpacked(reader.ask({"path": str(path), "name": name}, name, check)))

    yield ask
    for reader in readers:
        reader.close()


def alive(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def children():
    """Return the processes that read documents for this one."""
    return {
        child.pid
        for child in psutil.Process().children()
        if alive(child.pid) and "rag_backend.parse.child" in child.cmdline()
    }


def wait_for_end_of(pid):
    deadline = time.monotonic() + 5
    while alive(pid):
        assert time.monotonic() < deadline, "the process does not end"
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", "Größe: 日本 שלום\n\nmore".encode()),
        ("a.csv", b"a,b\n1,2\n3,4"),
        ("a.docx", small_docx()),
        ("a.xlsx", make_xlsx({"A": [["a", "b"], ["x", 1]]})),
        ("a.pdf", make_pdf([column(["One page."]), column(["Another."])])),
    ],
)
def test_it_answers_like_the_parsers(tmp_path, name, content):
    expected = read(tmp_path, name, content)
    assert parse(tmp_path / "upload", name) == expected
    assert unpacked(packed(expected)) == expected


def test_refusals_come_through_and_the_process_stays(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"x")
    parse(path, "a.txt")
    before = children()
    with pytest.raises(DocumentError, match=r"a\.pdf is not a PDF"):
        parse(path, "a.pdf")
    with pytest.raises(DocumentError, match=r"a\.txt could not be opened"):
        parse(tmp_path / "none", "a.txt")
    assert parse(path, "a.txt").blocks[0].text == "x"
    assert children() == before


def test_a_file_that_takes_too_long_is_refused(ask):
    reader = Reader(seconds=1.5)
    with pytest.raises(DocumentError, match=r"a\.html was refused: .* longer than 1\.5 s"):
        ask(SLOW, "a.html", reader=reader)
    assert ask("words", reader=reader) == ["words"]
    reader.close()


@pytest.mark.parametrize(
    ("name", "content"), [("many-pieces.html", SLOW), ("one-piece.txt", "日本" * 8_000_000)]
)
def test_a_file_that_takes_too_much_memory_is_refused(ask, name, content):
    reader = Reader(memory_bytes=100 * 1024**2)
    with pytest.raises(
        DocumentError, match=rf"{name} was refused: .* more than 0\.098 GB of memory"
    ):
        ask(content, name, reader=reader)
    assert ask("words", reader=reader) == ["words"]
    reader.close()


def test_a_file_that_ends_the_process_is_refused(ask):
    reader = Reader()
    before = children()

    def crash():
        for pid in children() - before:
            os.kill(pid, signal.SIGSEGV)

    with pytest.raises(DocumentError, match=r"a\.html was refused: .*SIGSEGV"):
        ask(SLOW, "a.html", crash, reader)
    assert ask("words", reader=reader) == ["words"]
    reader.close()


def test_reading_can_be_cancelled(ask):
    before = children()
    calls = []

    def check():
        calls.append(time.monotonic())
        if len(calls) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask(SLOW, "a.html", check)
    assert calls[-1] - calls[0] < 2
    assert children() <= before


def test_one_process_reads_several_files_and_then_makes_room(ask):
    reader = Reader(files=2)
    before = children()
    pids = []
    for number in range(4):
        assert ask(f"text {number}", reader=reader) == [f"text {number}"]
        pids += children() - before
    assert pids[0] == pids[1] != pids[2] == pids[3]
    os.kill(pids[3], signal.SIGKILL)
    wait_for_end_of(pids[3])
    assert ask("after a kill", reader=reader) == ["after a kill"]
    reader.close()
    assert children() <= before


def test_an_idle_process_ends_and_the_next_file_starts_another(ask):
    reader = Reader(idle_seconds=0.3)
    before = children()
    assert ask("first", reader=reader) == ["first"]
    (pid,) = children() - before
    wait_for_end_of(pid)
    assert ask("second", reader=reader) == ["second"]
    reader.close()


def test_it_gives_a_sign_of_life_after_each_scanned_page(tmp_path):
    path = tmp_path / "scan"
    page = picture(["Some words"])
    page.save(path, "PDF", save_all=True, append_images=[page], resolution=150)
    limits = ["60", str(2 * 1024**3), "60"]
    with subprocess.Popen(
        [sys.executable, "-m", "rag_backend.parse.child", *limits],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        write_frame(process.stdin, {"path": str(path), "name": "a.pdf"})
        signs = [read_frame(process.stdout), read_frame(process.stdout)]
        document = unpacked(read_frame(process.stdout))
    assert signs == [{"page_done": True}] * 2
    assert [(block.page, block.text) for block in document.blocks] == [
        (1, "Some words"),
        (2, "Some words"),
    ]


def test_threads_take_turns(ask):
    reader = Reader()
    expected = [f"text {number}" for number in range(24)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda text: ask(text, reader=reader)[0], expected))
    assert found == expected
    reader.close()


def test_it_ends_with_the_app_even_while_it_reads(tmp_path):
    path = tmp_path / "slow"
    path.write_text(SLOW)
    script = (
        "import os, signal, sys, psutil\n"
        "from pathlib import Path\n"
        "from rag_backend.parse import parse\n"
        "def check():\n"
        "    print(psutil.Process().children()[0].pid, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "parse(Path(sys.argv[1]), 'a.html', check)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, str(path)], check=False, capture_output=True, text=True
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    wait_for_end_of(int(ended.stdout))
