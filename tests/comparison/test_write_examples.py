"""Examples written from documents: by what comes along, by a server's model, and again."""

import json

import pytest

import cli
from comparison.write_examples import (
    Author,
    follow_writing,
    load_author,
    who_writes,
    write_examples,
    writing_folder,
    written,
)
from finetune_backend.examples.review import with_status
from finetune_backend.examples.store import add_examples, change_examples, list_examples
from finetune_backend.writer.alone import stands_alone
from finetune_backend.writer.write import IN_SHORT
from workbench.errors import RagtuneError
from workbench.language_models.engine import Piece
from workbench.settings import Settings
from workbench.values import Example

TEXT = """# Marlow Kites

Ottilie Brandt founded Marlow Kites in 1987. The flagship kite of the company is the Amber, which
is sewn from vermilion silk and costs 48 shillings.

# Leave

Every employee of Marlow Kites has 31 days of paid leave a year.
"""


class Scripted:
    """An engine that says what it is told to, as a server's model would."""

    name, together, room = "scripted", 2, None

    def __init__(self, say):
        self.say = say
        self.asked = []

    def stream(self, messages, *, adapter, max_new_tokens):
        self.asked.append(messages[-1]["content"])
        yield Piece(self.say(messages[-1]["content"]), 0.0, 1, 1)


def honest(prompt):
    """List nothing, ask in one wording, and answer what was asked for."""
    if "List the facts" in prompt:
        return ""
    if "Its answer is: " in prompt:
        return f"Which part of Marlow Kites has {sum(map(ord, prompt.rpartition(': ')[2]))} points?"
    number = int(prompt.rpartition(" has ")[2].split()[0])
    words = (
        "1987",
        "Ottilie Brandt",
        "Marlow Kites",
        "the Amber",
        "Amber",
        "48 shillings",
        "31 days",
    )
    return next((word for word in words if sum(map(ord, word)) == number), "")


@pytest.fixture()
def lab(tiny_lab):
    tiny_lab.knowledge_base.add_bytes(TEXT.encode(), "kites.md")
    return tiny_lab


def test_what_is_written_is_kept_and_goes_on(lab):
    author, told = Author(Scripted(honest), None, None), []
    done = write_examples(lab, author, told.append)
    assert told[0].paragraphs == 0 < told[-1].paragraphs == told[-1].of == 2 and told[-1] == done
    made = list_examples(lab.database)
    assert done.examples == len(made) > 2 and done.facts == len({one.fact for one in made})
    assert {"its answer was not found again"} <= done.rejected.keys()
    assert all(
        one.document == "kites.md" and one.passage in TEXT.replace("\n", " ") for one in made
    )
    # Nothing new: nobody is asked again.
    author.engine.asked.clear()
    assert write_examples(lab, author, told.append).of == 0 and not author.engine.asked
    # What was deleted is wanted again, and what a person added stays.
    change_examples(lab.database, list_examples(lab.database), [])
    add_examples(lab.database, [Example("Who flies?", "Kites do.", "fly")])
    assert write_examples(lab, author, told.append).examples == len(made)
    assert len(list_examples(lab.database)) == len(made) + 1


def test_what_was_rejected_does_not_come_back(lab):
    author = Author(Scripted(honest), None, None)
    write_examples(lab, author, lambda _done: None)
    made = list_examples(lab.database)
    assert {one.status for one in made} == {"waiting"}
    rejected = with_status(made, range(len(made)), "rejected")
    change_examples(lab.database, list_examples(lab.database), rejected)
    assert write_examples(lab, author, lambda _done: None).of == 0
    (writing_folder(lab.home) / "paragraphs.json").unlink()
    again = write_examples(lab, author, lambda _done: None)
    assert (again.of, again.examples) == (2, 0)
    assert list_examples(lab.database) == rejected


def test_a_rejected_answer_does_not_keep_out_a_better_one(lab):
    author = Author(Scripted(honest), None, None)
    write_examples(lab, author, lambda _done: None)
    made = list_examples(lab.database)
    wrong = Example(made[0].question, "Wrong.", made[0].fact, status="rejected")
    change_examples(lab.database, list_examples(lab.database), [wrong])
    done = write_examples(lab, author, lambda _done: None)
    assert done.examples == len(made)
    assert list_examples(lab.database) == [wrong, *made]


def test_no_question_has_two_answers(lab):
    author = Author(Scripted(honest), None, None)
    write_examples(lab, author, lambda _done: None)
    first = list_examples(lab.database)[0]
    change_examples(
        lab.database, list_examples(lab.database), [Example(first.question, "Another.", "mine")]
    )
    done = write_examples(lab, author, lambda _done: None)
    assert done.rejected["it is asked already, with another answer"] == 1
    assert [e.answer for e in list_examples(lab.database) if e.question == first.question] == [
        "Another."
    ]


def test_a_stop_keeps_what_was_written(lab):
    lab.knowledge_base.add_bytes(
        "".join(
            f"# {n}\n\nThe kite number {n} of the house costs {n} shillings.\n\n"
            for n in range(20, 50)
        ).encode(),
        "many.md",
    )

    class Stop(Exception):
        pass

    def stop(done):
        if done.paragraphs:
            raise Stop

    author = Author(Scripted(lambda _prompt: ""), None, None)
    with pytest.raises(Stop):
        write_examples(lab, author, stop)
    rest = write_examples(lab, author, lambda _done: None)
    assert 0 < rest.of < 32


def test_without_documents_there_is_nothing_to_write_from(tiny_lab):
    with pytest.raises(RagtuneError, match="no documents"):
        write_examples(tiny_lab, Author(Scripted(honest), None, None), lambda _done: None)


def test_a_servers_model_writes_itself(served_lab, openai_server):
    served_lab.knowledge_base.add_bytes(TEXT.encode(), "kites.md")
    author = load_author(served_lab)
    assert (author.writer, author.reader) == (None, None)
    done = write_examples(served_lab, author, lambda _done: None)
    assert done.paragraphs == 2 and openai_server.count("/chat/completions") > 4
    openai_server.fault = 500
    served_lab.knowledge_base.add_bytes(b"The Bora is a kite of 1999 in blue silk.", "bora.txt")
    with pytest.raises(RagtuneError):
        write_examples(served_lab, author, lambda _done: None)


def test_a_writer_on_a_server_of_its_own(tiny_lab, openai_server, monkeypatch):
    """Answers stay on this machine, and the other server's key is not sent to the writer's."""
    tiny_lab.knowledge_base.add_bytes(TEXT.encode(), "kites.md")
    tiny_lab.change_settings(Settings(writer=f"tiny@{openai_server.url}/"))
    assert who_writes(tiny_lab.settings) == f"tiny on {openai_server.url}"
    monkeypatch.setenv("RAGTUNE_SERVER_KEY", "sk-of-another-server")
    openai_server.key = "sk-writer"
    author = load_author(tiny_lab)
    with pytest.raises(RagtuneError, match="Set RAGTUNE_WRITER_KEY in the environment"):
        write_examples(tiny_lab, author, lambda _done: None)
    assert not any("sk-of-another" in str(headers) for _, headers, _ in openai_server.requests)
    monkeypatch.setenv("RAGTUNE_WRITER_KEY", "sk-writer")
    assert write_examples(tiny_lab, author, lambda _done: None).paragraphs == 2
    assert not tiny_lab.checkpoint().server


def test_a_writer_on_this_machine(tiny_lab, tiny_model):
    tiny_lab.change_settings(Settings(writer=str(tiny_model)))
    author = load_author(tiny_lab)
    assert (author.writer, author.reader) == (None, None)
    assert author.engine.checkpoint.name == str(tiny_model)
    assert who_writes(tiny_lab.settings) == tiny_model.name
    with pytest.raises(RagtuneError, match="no model 'elsewhere'"):
        tiny_lab.change_settings(Settings(writer="elsewhere"))


def test_what_comes_along_writes_questions_that_stand_alone(lab, capsys):
    """The real writer and the real reader, as a job of their own, from the command line."""
    assert cli.main(["examples", "build", "--json", "--home", str(lab.home.folder)]) == 0
    told = json.loads(capsys.readouterr().out)
    made = list_examples(lab.database)
    assert told["written"] == len(made) == written(lab.home).examples > 3
    for one in made:
        assert stands_alone(one.question.removeprefix(IN_SHORT)) and one.answer
    assert any("31 days" in one.answer for one in made)
    assert follow_writing(lab.home, lambda _message, _share: None).of == 0
