"""`ragtune advise`: JSON alone on stdout, one line on stderr where it can't."""

import json

import pytest

import cli


@pytest.fixture()
def ragtune(tmp_path, capsys):
    """Run a command in a home of its own; returns the exit code, stdout and stderr."""

    def run(*arguments):
        code = cli.main(["--home", str(tmp_path / "home"), *map(str, arguments)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture()
def evaluation(tmp_path):
    """What `ragtune evaluate --json` printed of 40 questions, where only RAG answers well."""
    rows = [
        {"question": f"{n}?", "method": method, "contains": float(n < right), "latency_ms": 2000.0}
        for method, right in (("base", 0), ("rag", 36))
        for n in range(40)
    ]
    file = tmp_path / "evaluation.json"
    file.write_text(json.dumps({"exam": "exam.jsonl", "rows": rows}), encoding="utf-8")
    return file


def test_an_advice_is_printed(ragtune, evaluation):
    answers = ("--changes", "weekly", "--questions", 1000, "--machine-hour", 1.8, "--wait", 5)
    code, out, err = ragtune("advise", "--evaluation", evaluation, *answers, "--json")
    assert (code, err) == (0, "")
    advice = json.loads(out)
    assert advice["best"] == ["rag"] and advice["evidence"]["name"] == "evaluation.json"
    assert advice["use"]["changes"] == "weekly" and advice["use"]["questions"] == 1000
    costs = {one["method"]: one for one in advice["break_even"]["money"]["costs"]}
    assert costs["rag"]["thousand_questions"] == pytest.approx(1.0)
    code, out, _ = ragtune("advise", "--evaluation", evaluation, *answers)
    assert code == 0 and advice["advice"] in out and "Confidence: " in out
    code, out, _ = ragtune("advise")
    assert code == 0 and "No exam has been asked yet" in out


def test_what_it_can_not_use_is_one_line(ragtune, tmp_path):
    for given, told in (
        (("--changes", "hourly"), "changes is 'hourly'; one of unknown, never, yearly"),
        (("--changes", ""), "changes is ''"),
        (("--questions", "many"), "questions is 'many'; a whole number was expected"),
        (("--wait", "-1"), "wait is -1; a number from 0 to 3600 was expected"),
        (
            ("--evaluation", "none.json"),
            "'none.json' can't be read: No such file or directory. Kept are: none",
        ),
        (("--evaluation", tmp_path), "can't be read: Is a directory"),
    ):
        code, out, err = ragtune("advise", *given)
        assert (code, out) == (1, "") and told in err and len(err.splitlines()) == 1
