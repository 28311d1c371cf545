"""The command line keeps its contract: JSON alone on stdout, one line on stderr, exit codes."""

import json
import subprocess
import sys

import pytest

import cli


def test_the_whole_path(ragtune, handbook, examples_file, tmp_path):
    code, out, _ = ragtune("add", handbook, "--json")
    assert code == 0
    assert [(row["name"], row["change"], row["passages"]) for row in json.loads(out)] == [
        ("handbook.md", "added", 2)
    ]
    assert json.loads(ragtune("add", handbook, "--json")[1])[0]["change"] == "unchanged"
    (document,) = json.loads(ragtune("documents", "--json")[1])
    assert document["name"] == "handbook.md"
    found = json.loads(ragtune("search", "When does the workshop close?", "-k", 1, "--json")[1])
    assert [source["document"] for source in found] == ["handbook.md"]
    assert len(json.loads(ragtune("search", "leave", "-k", 1000, "--json")[1])) == 2

    counts = json.loads(ragtune("examples", "import", examples_file, "--json")[1])
    assert counts == {"found": 8, "new": 8, "rejected": 0}
    assert json.loads(ragtune("examples", "build", "--found-only", "--json")[1]) == {
        "found": 0,
        "new": 0,
    }
    exported = tmp_path / "out.jsonl"
    assert ragtune("examples", "export", exported)[0] == 0
    assert len(exported.read_text(encoding="utf-8").splitlines()) == 8

    code, out, err = ragtune("train", "--name", "one", "--set", "epochs=2", "--json")
    assert code == 0, err
    trained = json.loads(out)
    assert set(trained) == {"adapter", "steps", "seconds", "examples_per_second", "measures"}
    assert (trained["adapter"], trained["steps"]) == ("one", 2)
    kinds = [change["kind"] for change in trained["measures"]["forgetting"]]
    assert kinds == ["grammar", "knowledge", "declining", "surprise"]
    (adapter,) = json.loads(ragtune("adapters", "--json")[1])
    assert (adapter["name"], adapter["settings"]["epochs"]) == ("one", 2)

    code, out, err = ragtune("export", "one", tmp_path / "one.gguf", "--as", "gguf", "--json")
    assert code == 0, err
    exported = json.loads(out)
    assert exported["place"] == str(tmp_path / "one.gguf")
    assert exported["size_bytes"] == (tmp_path / "one.gguf").stat().st_size
    assert (exported["form"], exported["precision"]) == ("gguf", "float16")
    assert exported["check"]["questions"] == 8 and exported["check"]["divergence"] < 0.01
    code, out, _ = ragtune("export", "one", tmp_path / "one")
    assert code == 0 and "8 of 8 answers equal; mean KL 0.0000 nats" in out
    code, out, err = ragtune("adapters", "import", tmp_path / "one", "--name", "two", "--json")
    assert code == 0, err
    assert json.loads(out)["settings"]["rank"] == adapter["settings"]["rank"]
    names = [row["name"] for row in json.loads(ragtune("adapters", "--json")[1])]
    assert sorted(names) == ["one", "two"]
    shown = ragtune("adapters")[1]
    assert "two" in shown and "–" in shown

    command = ("ask", "How many days of leave do employees have?", "--adapter", "one", "--json")
    asked = json.loads(ragtune(*command)[1])
    assert asked["question"] == "How many days of leave do employees have?"
    assert [answer["method"] for answer in asked["answers"]] == [
        "base",
        "rag",
        "finetuned",
        "hybrid",
    ]
    for answer in asked["answers"]:
        assert list(answer) == [
            *("method", "asked", "question", "text", "error", "refused", "model", "adapter"),
            *("timings_ms", "tokens", "sources", "threshold", "sentences", "groundedness"),
            *("prompt", "fingerprint", "claims"),
        ]
        phases = ["queue", "rewrite", "search", "embed", "dense", "words", "fuse", "rerank"]
        assert list(answer["timings_ms"]) == [*phases, "verify", "first_token", "total"]
        assert 0 < answer["timings_ms"]["first_token"] <= answer["timings_ms"]["total"]
        assert answer["tokens"]["prompt"] > 5 and answer["tokens"]["completion"] > 0
        assert bool(answer["sources"]) == (answer["method"] in ("rag", "hybrid"))
        assert (answer["adapter"] == "one") == (answer["method"] in ("finetuned", "hybrid"))
    assert {"document", "page", "text", "score"} < set(asked["answers"][1]["sources"][0])
    # What was said without the documents is looked up in them; none of it is there.
    looked_up = [answer["claims"] for answer in asked["answers"]]
    assert looked_up[0] and not looked_up[1] and not looked_up[3]
    assert asked["confounded"] == []
    shown = ragtune(*command[:-1])[1]
    assert "[not in the documents]" in shown and shown.endswith("\nEqual conditions.\n")
    prints = [answer["fingerprint"] for answer in asked["answers"]]
    assert len({(p["checkpoint"], p["precision"], p["decoding"]) for p in prints}) == 1
    assert prints[1]["retriever"] == prints[3]["retriever"] != "none"

    exam = tmp_path / "exam.jsonl"
    exam.write_text(
        '{"question": "When does the workshop close?", "answers": ["17:20"], "document": '
        '"handbook.md"}\n{"question": "Who is the mayor?", "answers": [], "unanswerable": true}\n',
        encoding="utf-8",
    )
    result = json.loads(ragtune("evaluate", exam, "--methods", "base,rag", "--json")[1])
    assert (result["exam"], result["questions"], len(result["rows"])) == ("exam.jsonl", 2, 4)
    rag = result["methods"]["rag"]
    assert {"exact_match", "f1", "contains", "answered", "latency_ms"} <= set(rag)
    assert rag["hit_at_k"] == 1.0
    assert "hit_at_k" not in result["methods"]["base"]

    assert ragtune("remove", "handbook.md")[0] == 0
    assert json.loads(ragtune("documents", "--json")[1]) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["add", "no-such-file.md"], "no file or folder"),
        (["remove", "none.md"], "There is no document 'none.md'"),
        (["search", "Who?"], "no documents yet"),
        (["search", " "], "question is empty"),
        (["search", "Who?", "-k", "0"], "from 1 to 1000"),
        (["ask", "x" * 20_000], "has 20,000 characters; at most 4,000"),
        (["ask", "Who?", "--methods", "magic"], "magic was given"),
        (["ask", "Who?", "--methods", "rag"], "rag can't answer yet: No documents yet"),
        (["ask", "Who?", "--methods", "finetuned"], "No adapter for this model yet"),
        (["ask", "Who?", "--methods", "finetuned", "--adapter", "x"], "There is no adapter 'x'"),
        (["train"], "example"),
        (
            ["train", "--resume", "x", "--approved-only"],
            "leave --name, --set, --preset, --like, --approved-only and --dry-run out",
        ),
        (["export", "x", "out"], "There is no adapter 'x'"),
        (["export", "x", "out", "--as", "onnx"], "one of peft, merged, gguf was expected"),
        (["adapters", "import", "none"], "can't be read: No such file or directory"),
        (["train", "--set", "epochz=3"], "no setting called epochz"),
        (["examples", "import", "none.csv"], "can't be read"),
        (["examples", "check", "--exam", "none.jsonl"], "no file and no exam 'none.jsonl'"),
        (["examples", "split", "parts"], "into 0 groups of facts"),
        (["examples", "split", "parts", "--shares", "80,10"], "The shares are 0.8, 0.1"),
        (["exams", "build", "--trained", "-1"], "trained is -1; a number from 0 to 1,000"),
        (["exams", "build"], "no documents to build an exam from"),
        (["exams", "import", "none.csv"], "can't be read"),
        (["exams", "check", "none"], "There is no file and no exam 'none'. Exams: the sample's."),
        (["examples", "export", "out.txt"], "a .csv or .jsonl file was expected"),
        (["evaluate", "none.jsonl"], "no file and no exam 'none.jsonl'"),
    ],
)
def test_failures_are_one_clear_line(ragtune, arguments, said):
    code, out, err = ragtune(*arguments)
    assert (code, out) == (1, "")
    assert said in err
    assert err.startswith("ragtune: ") and err.count("\n") == 1


def test_examples_are_checked_and_split(ragtune, tmp_path):
    data = tmp_path / "more.jsonl"
    rows = [
        {"question": f"{ask} thing {n}?", "answer": f"It is {n}.", "fact": f"thing {n}"}
        for n in range(10)
        for ask in ("What is", "Would you describe", "How is")
    ]
    data.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert ragtune("examples", "check")[:2] == (0, "No examples yet.\n")
    ragtune("examples", "import", data)
    assert "Nothing is wrong with 30 examples" in ragtune("examples", "check")[1]
    exam = tmp_path / "exam.jsonl"
    exam.write_text('{"question": "How is thing 7", "answers": ["7"]}\n', encoding="utf-8")
    code, out, err = ragtune("examples", "check", "--exam", exam)
    assert (code, err) == (0, "")
    assert "row 24: How is thing 7?  [How is thing 7]" in out
    checked = json.loads(ragtune("examples", "check", "--exam", exam, "--json")[1])
    (finding,) = checked["findings"]
    assert (finding["kind"], [row["row"] for row in finding["rows"]]) == ("held_out", [24])
    assert checked["exposures"]["facts"] == [[42, 10]] and checked["examples"] == 30

    folder = tmp_path / "parts"
    counts = json.loads(ragtune("examples", "split", folder, "--seed", 3, "--json")[1])
    assert counts == {"train": 24, "validation": 3, "test": 3}
    again = tmp_path / "again"
    ragtune("examples", "split", again, "--seed", 3)
    for part in counts:
        written = (folder / f"{part}.jsonl").read_text(encoding="utf-8")
        assert written == (again / f"{part}.jsonl").read_text(encoding="utf-8")
        assert len(written.splitlines()) == counts[part]
    held = json.loads(ragtune("examples", "check", "--exam", folder / "test.jsonl", "--json")[1])[
        "findings"
    ]
    assert [row["fact"] for row in held[0]["rows"]] == [held[0]["rows"][0]["fact"]] * 3


def test_exams_are_imported_listed_and_checked(ragtune, examples_file, tmp_path):
    assert ragtune("exams")[:2] == (0, "No exams yet: `ragtune exams build`.\n")
    data = tmp_path / "my exam.csv"
    question = "What is the founder of Marlow Kites?"
    rows = ["Frage,Kurz,Lang", f"{question},Brandt,Ottilie Brandt", "Why?,,", "When?,now;then,"]
    data.write_text("\n".join(rows), encoding="utf-8")
    columns = ("question=Frage", "answers=Kurz", "answers=Lang")
    given = [part for column in columns for part in ("--column", column)]
    code, out, err = ragtune("exams", "import", data, *given, "--mark", ";", "--json")
    assert json.loads(out) == {
        "exam": "my-exam",
        "questions": 2,
        "rejected": 1,
        "joined": 0,
        "alike": 0,
    }
    assert (code, err.count("\n")) == (0, 1) and "row 3 left out: it needs" in err
    ragtune("examples", "import", examples_file)
    (row,) = json.loads(ragtune("exams", "--json")[1])
    assert (row["name"], row["questions"], row["trouble"]) == ("my-exam", 2, "")
    out = ragtune("exams", "check", "my-exam")[1]
    assert "1 of 2 questions was trained on in the examples: 1 word for word" in out
    assert f"question 1: {question}  [{question}]" in out
    leaks = json.loads(ragtune("exams", "check", "my-exam", "--json")[1])["leaks"]
    assert leaks == [{"place": 1, "question": question, "beside": question, "exact": True}]


def test_a_huge_file_is_refused_before_it_is_read(ragtune, tmp_path):
    with (tmp_path / "huge.parquet").open("wb") as file:
        file.truncate(50_000_000_000)
    code, _, err = ragtune("examples", "import", tmp_path / "huge.parquet")
    assert code == 1 and "50,000.0 MB, and 20 MB is the limit" in err


def test_parts_are_written_to_a_folder_alone(ragtune, tmp_path):
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    code, _, err = ragtune("examples", "split", tmp_path / "file")
    assert code == 1 and "a folder was expected" in err


def test_what_nobody_looked_through_is_left_out_if_wanted(ragtune, tmp_path):
    data = tmp_path / "mixed.jsonl"
    states = ["waiting"] * 3 + ["rejected"] * 2 + ["approved"]
    rows = [
        {"question": f"Q{n}?", "answer": f"A{n}.", "status": state}
        for n, state in enumerate(states)
    ]
    data.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    ragtune("examples", "import", data)
    code, _, err = ragtune("train", "--approved-only")
    assert code == 1 and "1 example was given" in err
    checked = json.loads(ragtune("examples", "check", "--json")[1])
    assert checked["exposures"]["facts"] == [[40, 4]]
    counts = json.loads(ragtune("examples", "split", tmp_path / "parts", "--json")[1])
    assert sum(counts.values()) == 4


def test_columns_with_other_names_are_imported(ragtune, tmp_path):
    data = tmp_path / "german.csv"
    data.write_text("Frage;Antwort\nWo?;Hier.\nWann?;\n", encoding="utf-8")
    code, out, err = ragtune("examples", "import", data)
    assert (code, out) == (1, "") and "has the columns 'Frage', 'Antwort'" in err
    mapped = ("--column", "question=Frage", "--column", "answer=Antwort")
    code, out, err = ragtune("examples", "import", data, *mapped, "--json")
    assert json.loads(out) == {"found": 1, "new": 1, "rejected": 1}
    assert err == "row 3 left out: the answer is empty\n"
    with pytest.raises(SystemExit) as ended:
        ragtune("examples", "import", data, "--column", "question")
    assert ended.value.code == 2


def test_one_bad_file_does_not_stop_the_others(ragtune, handbook, tmp_path):
    (tmp_path / "broken.pdf").write_bytes(b"not a pdf")
    code, out, err = ragtune("add", tmp_path / "broken.pdf", handbook, "--json")
    assert code == 1
    assert [row["change"] for row in json.loads(out)] == ["refused", "added"]
    assert "broken.pdf" in err


def test_wrong_usage_exits_with_2():
    for arguments in ([], ["unknown"], ["ask"], ["examples", "split", "x", "--shares", "most"]):
        with pytest.raises(SystemExit) as ended:
            cli.main(arguments)
        assert ended.value.code == 2


def test_an_unknown_model_says_what_is_available(ragtune, monkeypatch):
    monkeypatch.setenv("RAGTUNE_MODEL", "no-such-model")
    code, _, err = ragtune("ask", "Who?", "--methods", "base")
    assert code == 1
    assert "no model 'no-such-model'" in err and "smollm2-135m-instruct (bundled)" in err


def test_a_hub_that_cannot_be_reached_says_what_is_available(ragtune, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("RAGTUNE_MODEL", "nobody/no-such-model")
    code, _, err = ragtune("ask", "Who?", "--methods", "base")
    assert code == 1
    assert "could not be fetched from the Hugging Face hub" in err and "bundled" in err


def test_help_imports_nothing_heavy():
    script = (
        "import sys, cli\n"
        "try: cli.main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'transformers', 'langchain', 'streamlit', 'pandas', 'sqlalchemy'}\n"
        "heavy |= {'openai', 'httpx2'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True)
    assert ended.returncode == 0, ended.stderr


def test_where_it_declines_is_told(ragtune, tmp_path):
    shipped = json.loads(ragtune("calibrate", "--forget", "--json")[1])
    assert shipped["questions"] > 1000 and shipped["threshold"] < 0
    assert "as 2% of them would be" in ragtune("calibrate", "--forget")[1]
    code, _, err = ragtune("calibrate")
    assert code == 1 and "There are 0 examples" in err
    (tmp_path / "home" / "settings.json").write_text('{"decline": 0.0}', encoding="utf-8")
    assert json.loads(ragtune("calibrate", "--forget", "--json")[1])["threshold"] is None
    assert "nothing is declined" in ragtune("calibrate", "--forget")[1]
