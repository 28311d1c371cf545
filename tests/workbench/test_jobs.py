"""Jobs live in their own process and can't lie about it."""

import errno
import os
import platform
import signal
import time
from pathlib import Path

import pytest

from workbench import files, jobs
from workbench.errors import RagtuneError
from workbench.home import open_home


def wait_for(folder, *states):
    deadline = time.monotonic() + 30
    while (state := jobs.read(folder)).state not in states:
        assert time.monotonic() < deadline, state
        time.sleep(0.05)
    return state


def start(tmp_path, monkeypatch, body):
    """Start a job whose module is written here."""
    (tmp_path / "job_for_test.py").write_text(
        "import os, pathlib, sys, time\n"
        "from workbench import jobs\n"
        "from workbench.errors import RagtuneError\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "with jobs.working(folder) as job:\n"
        "    (folder / 'pid').write_text(str(os.getpid()))\n"
        f"    {body}\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    folder = tmp_path / "job"
    folder.mkdir()
    jobs.start(folder, "job_for_test")
    return folder


FOREVER = "while True: job.say('working'); time.sleep(0.02)"


def test_a_job_ends_as_done(tmp_path, monkeypatch):
    folder = start(tmp_path, monkeypatch, "job.say('half')")
    assert wait_for(folder, "done").message == "Done"


def large_pages_are_given_to_who_asks():
    setting = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    told = platform.libc_ver() >= ("glibc", "2.35")
    return told and setting.exists() and "[madvise]" in setting.read_text()


@pytest.mark.skipif(not large_pages_are_given_to_who_asks(), reason="needs Linux's large pages")
def test_much_memory_lies_in_large_pages(tmp_path, monkeypatch):
    body = (
        "room = bytearray(1 << 26); "
        "(folder / 'pages').write_text(pathlib.Path('/proc/self/smaps_rollup').read_text())"
    )
    folder = start(tmp_path, monkeypatch, body)
    wait_for(folder, "done")
    (line,) = [
        line for line in (folder / "pages").read_text().splitlines() if line.startswith("AnonHuge")
    ]
    assert int(line.split()[1]) > 1 << 14  # kilobytes


def test_a_job_is_cancelled_at_its_next_step(tmp_path, monkeypatch):
    folder = start(tmp_path, monkeypatch, FOREVER)
    wait_for(folder, "running")
    jobs.cancel(folder)
    assert wait_for(folder, "cancelled", "failed").state == "cancelled"


@pytest.mark.parametrize(("asked", "state"), [("cancel", "cancelled"), ("pause", "paused")])
def test_a_job_that_was_asked_to_stop_before_it_began_stops_at_its_first_word(
    tmp_path, asked, state
):
    (tmp_path / asked).touch()
    said = []
    with jobs.working(tmp_path) as job:
        job.say("working")
        said.append("working")
    assert (jobs.read(tmp_path).state, said) == (state, [])


def test_a_killed_job_reads_as_interrupted(tmp_path, monkeypatch):
    folder = start(tmp_path, monkeypatch, FOREVER)
    wait_for(folder, "running")
    while not (folder / "pid").exists() or not (folder / "pid").read_text():
        time.sleep(0.01)
    os.kill(int((folder / "pid").read_text()), signal.SIGKILL)
    assert "ended unexpectedly" in wait_for(folder, "interrupted").message


def test_a_sentence_becomes_the_reason(tmp_path, monkeypatch):
    folder = start(tmp_path, monkeypatch, "raise RagtuneError('The moon is full.')")
    assert wait_for(folder, "failed").message == "The moon is full."


def test_an_unforeseen_error_names_itself_and_the_log(tmp_path, monkeypatch):
    folder = start(tmp_path, monkeypatch, "1 / 0")
    assert "ZeroDivisionError" in wait_for(folder, "failed").message
    time.sleep(0.2)
    assert "Traceback" in (folder / "log.txt").read_text(encoding="utf-8")


def test_the_heart_beats_while_the_work_is_silent(tmp_path, monkeypatch):
    folder = start(tmp_path, monkeypatch, "job.say('quiet'); time.sleep(6)")
    wait_for(folder, "running")
    time.sleep(jobs.HEARTBEAT_SECONDS * 1.5)
    assert jobs.read(folder).heartbeat_age_seconds < jobs.HEARTBEAT_SECONDS * 1.5
    wait_for(folder, "done")


def test_a_process_that_dies_before_it_begins_is_interrupted_at_once(tmp_path):
    """Not after the minute that a slow start may take."""
    jobs.start(tmp_path, "no_such_module")
    deadline = time.monotonic() + 20
    while (state := jobs.read(tmp_path)).active:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert state.state == "interrupted" and "log.txt" in state.message


def test_a_home_has_one_job_of_a_name_and_its_end_is_told(tmp_path, monkeypatch):
    home = open_home(tmp_path / "home")
    (tmp_path / "homes_job.py").write_text(
        "import pathlib, sys, time\n"
        "from workbench import jobs\n"
        "from workbench.errors import RagtuneError\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "with jobs.working(folder) as job:\n"
        "    (folder / 'begun').write_text((folder / 'begun').read_text() + 'x' if"
        " (folder / 'begun').exists() else 'x')\n"
        "    for place in range(10):\n"
        "        job.say(f'Part {place}', place / 10)\n"
        "        time.sleep(0.2)\n"
        "    if (folder / 'fail').exists():\n"
        "        raise RagtuneError('It was not to be.')\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    folder = jobs.start_once(home, "homes", "homes_job")
    assert jobs.start_once(home, "homes", "homes_job") == folder and jobs.at_work(folder)
    told = []
    jobs.follow(folder, lambda message, share: told.append((message, share)))
    assert (folder / "begun").read_text() == "x" and not jobs.at_work(folder)
    assert any(0 < share < 1 for _message, share in told)
    (folder / "fail").touch()
    jobs.start_once(home, "homes", "homes_job")
    with pytest.raises(RagtuneError, match="not to be"):
        jobs.follow(folder, lambda _message, _share: None)


def test_a_full_disk_leaves_room_to_say_so(tmp_path, monkeypatch):
    write = files.write_bytes

    def on_a_small_disk(path, data):
        used = sum(file.stat().st_size for file in tmp_path.glob("*"))
        if used + len(data) > 100_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, data)

    for module in (files, jobs):
        monkeypatch.setattr(module, "write_bytes", on_a_small_disk)
    with pytest.raises(OSError), jobs.working(tmp_path) as job:
        room = 100_000 - sum(file.stat().st_size for file in tmp_path.glob("*"))
        (tmp_path / "what others wrote").write_bytes(bytes(room))
        job.say("working")
    state = jobs.read(tmp_path)
    assert state.state == "failed"
    assert state.message.endswith(
        "is full. Free some space and try again; nothing that was saved before is lost."
    )
    assert not list(tmp_path.glob(".reserve*"))
