"""The pages' small states, through Streamlit's own test harness."""

import dataclasses
import re
import time

import pytest
from streamlit.testing.v1 import AppTest

from comparison.calibrate import calibrating_folder
from comparison.write_examples import Written, writing_folder
from finetune_backend.examples.read import read_examples
from finetune_backend.examples.store import add_examples
from finetune_backend.runs import read_run
from finetune_backend.settings import TrainSettings
from finetune_backend.start_run import start_run
from finetune_backend.steps import read_steps
from pages.shared.lab import get_lab
from pages.shared.plain import highlighted, plain
from pages.shared.prompt_editor import PROMPTS
from rag_backend.answer.chain import NOT_ANSWERED
from rag_backend.ingest import process as ingest
from rag_backend.verify.calibration import calibration_of
from rag_backend.verify.verifier import digest
from workbench import jobs
from workbench.files import write_json
from workbench.settings import Settings


def at(app, script):
    app.switch_page(script).run()
    assert not app.exception
    return app


def words(app):
    kinds = (app.markdown, app.caption, app.info, app.error, app.warning, app.success)
    return "\n".join(element.value for kind in kinds for element in kind)


def test_home_shows_the_way_and_the_sample(app):
    assert "both" in app.title[0].value
    assert [button.label for button in app.button] == ["Try the sample"]
    for step in ("Add documents", "Collect examples", "Fine-tune", "Ask"):
        assert step in words(app)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("pages/retrieval/documents.py", "No documents yet"),
        ("pages/finetuning/examples.py", "No examples yet"),
        ("pages/finetuning/finetune.py", "needs at least"),
        ("pages/finetuning/runs.py", "No fine-tunes yet"),
        ("pages/finetuning/sweep.py", "needs at least"),
        ("pages/comparing/ask.py", "No adapter for this model yet"),
    ],
)
def test_empty_states_say_what_is_missing(app, script, said):
    assert said in words(at(app, script)).replace("\\", "")


def test_settings_are_kept_and_nonsense_is_refused(app):
    at(app, "pages/setup/settings.py")
    number = next(i for i in app.number_input if i.label == "Candidates")
    number.set_value(7)
    app.button[0].click().run()
    assert app.toast[0].value == "Saved" and get_lab().settings.candidates == 7
    drawn = [i.label for kind in (app.number_input, app.text_input, app.selectbox) for i in kind]
    for field in dataclasses.fields(Settings):
        name = field.name.replace("_", " ").capitalize().replace(" mb", ", MB")
        assert name in drawn or field.name in PROMPTS, name
    app.text_input[0].set_value("no-such-model")
    app.button[0].click().run()
    assert "no model" in app.error[0].value


def test_declining_is_explained_and_calibrated(app):
    lab = get_lab()
    at(app, "pages/setup/settings.py")
    assert "2% of" in words(app) and "encyclopedia" in words(app)
    button(app, "Calibrate").click().run()
    deadline = time.monotonic() + 60
    while jobs.at_work(calibrating_folder(lab.home)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    app.run()
    assert "at least 20" in app.error[0].value
    lab.knowledge_base.keep_calibration(calibration_of([float(n) for n in range(40)], digest()))
    at(app, "pages/setup/settings.py")
    assert "below **0.00**" in words(app) and "your examples" in words(app)
    next(b for b in app.button if b.label == "Forget").click().run()
    assert "encyclopedia" in words(app)
    lab.change_settings(dataclasses.replace(lab.settings, decline=0.0))
    at(app, "pages/setup/settings.py")
    assert "decline is 0" in words(app)


def test_a_question_that_is_too_long_is_one_sentence(app):
    at(app, "pages/comparing/ask.py")
    app.text_input[0].set_value("x" * 20_000)
    app.button[0].click().run()
    assert not app.exception
    assert "20,000 characters" in app.error[0].value


def test_an_empty_question_is_one_sentence(app):
    at(app, "pages/comparing/ask.py")
    app.button[0].click().run()
    assert "question is empty" in app.error[0].value


def test_an_answer_and_its_sources_are_shown_as_text(app):
    def column():
        from comparison.answer import Answer, Fingerprint, ShownSource
        from pages.shared.answer import AnswerRoom
        from rag_backend.answer.cite import Sentence, Span
        from rag_backend.documents import Ranks

        hostile = "<script>alert(1)</script> ![x](http://example.com/a.png)"
        source = ShownSource(
            document=f"{hostile}.md",
            page=1,
            headings=(),
            text=hostile,
            start=0,
            end=len(hostile),
            score=0.5,
            words=None,
            fit=1.5,
            holds=-2.5,
            read=True,
            dropped=False,
            ranks=Ranks(1, None, 1),
        )
        answer = Answer(
            method="rag",
            model="model",
            fingerprint=Fingerprint("c", "p", "d", "r"),
            text=f"{hostile} No.",
            sources=(source,),
            sentences=(
                Sentence(0, len(hostile), 1.0, Span(0, 0, 8)),
                Sentence(len(hostile) + 1, len(hostile) + 4, 0.0, None),
            ),
            groundedness=0.5,
            done=True,
        )
        AnswerRoom(answer.column).draw(answer)

    shown = AppTest.from_function(column).run()
    assert not shown.exception
    escaped = plain("<script>alert(1)</script> ![x](http://example.com/a.png)")
    values = [element.value for element in shown.markdown]
    assert f"{escaped} :green-badge[1] No\\. :orange-badge[not in the sources]" in values
    marked = f":yellow-background[{plain('<script>')}]" + escaped.removeprefix(plain("<script>"))
    assert marked in values  # the passage inside its source, with what supports the answer
    assert all(element.allow_html is False for element in shown.markdown)
    assert escaped in shown.expander[0].label


@pytest.mark.parametrize(
    ("change", "waiting", "said"),
    [
        ({}, 0, "Reading …"),
        ({"place": 1}, 1, "Next in line."),
        ({"place": 2}, 5, "1 question ahead, 5 in line."),
        ({"place": 4}, 2, "3 questions ahead, 4 in line."),
        ({"text": "So far"}, 0, "So far ▌"),
        ({"text": "So far"}, None, "Stopped."),
        ({}, None, "Stopped."),
        ({"done": True}, 0, "It said nothing."),
        ({"done": True, "text": "A", "error": "Busy: try again."}, 0, "Busy: try again."),
        ({"done": True, "text": "Half", "error": "Busy"}, None, "Half"),
    ],
)
def test_a_column_says_how_far_its_answer_is(change, waiting, said):
    def column(change, waiting):
        from comparison.answer import Answer, Fingerprint
        from pages.shared.answer import AnswerRoom

        answer = Answer("base", "model", Fingerprint("c", "p", "d", "none"), **change)
        AnswerRoom(answer.column).draw(answer, waiting)

    shown = AppTest.from_function(column, args=(change, waiting)).run()
    assert not shown.exception
    assert said in words(shown).replace("\\", "")


def test_four_answers_from_one_engine_and_who_gave_them(app, handbook):
    get_lab().knowledge_base.add(handbook)
    at(app, "pages/comparing/ask.py")
    app.text_input[0].set_value("When does the workshop close?")
    app.button[0].click().run()
    assert not app.exception
    said = words(app).replace("\\", "")
    assert said.count("tokens read") == 2
    assert "Equal conditions" in said and "on the engine transformers float32." in said


@pytest.mark.parametrize(
    "text",
    [
        "![x](http://example.com/a.png)",
        "<script>alert(1)</script>",
        "# Heading",
        ":red[colour] :material/home: $x^2$",
        "a_b_c **bold** `code`",
        "    indented",
        "1. list\n- list",
    ],
)
def test_plain_text_is_shown_as_it_is(text):
    from markdown_it import MarkdownIt

    parsed = MarkdownIt("commonmark").parse(plain(text))
    kinds = {token.type for token in parsed} | {
        child.type for token in parsed for child in token.children or []
    }
    shown = {"inline", "text", "text_special", "hardbreak"}
    assert kinds <= {"paragraph_open", "paragraph_close", *shown}
    for character in ":$":
        assert character not in plain(text).replace("\\" + character, "")


def test_a_part_is_marked_in_its_own_line_only():
    text = "It opens.\nIt closes at 17:20."
    marked = highlighted(text, [(3, 8)])
    assert marked == f"It :yellow-background[opens]\\.  \n{plain('It closes at 17:20.')}"
    assert highlighted(text, [(-5, -1), (40, 50)]) == plain(text)
    assert ":blue-background[It opens\\.]" in highlighted(text, [(0, 12)], "blue")


def test_prompts_are_edited_previewed_and_brought_back(app):
    lab = get_lab()
    lab.knowledge_base.add_bytes(b"The workshop closes at 17:20.", "hours.txt")
    at(app, "pages/setup/settings.py")
    app.text_input(key="prompt-question").set_value("When does the workshop close?").run()
    assert not app.exception
    assert "The workshop closes at 17:20." in app.code[-1].value
    assert "tokens: " in words(app) and "in 1 passages" in words(app)
    lab.change_settings(lab.settings)
    app.text_area(key="prompt-passage_prompt").set_value("{passages} Question: {question}").run()
    assert "Question: When does" in app.code[-1].value
    next(b for b in app.button if b.label == "Save the prompts").click().run()
    assert lab.settings.passage_prompt == "{passages} Question: {question}"
    assert "Version 2 is in use" in words(app)
    app.button(key="prompt-version-1").click().run()
    assert app.text_area(key="prompt-passage_prompt").value.endswith("above, {question}")
    app.text_area(key="prompt-passage_prompt").set_value("no places").run()
    assert "once was expected" in app.error[0].value


def test_the_preview_drops_and_declines_as_answering_does(app):
    lab = get_lab()
    lab.knowledge_base.add_bytes(b"The workshop closes at 17:20.", "hours.txt")
    lab.knowledge_base.add_bytes(b"The workshop is in Hull.", "place.txt")
    roomless = Settings(model=lab.settings.model, max_new_tokens=2000, read=2, min_score=-1.0)
    lab.change_settings(roomless)
    at(app, "pages/setup/settings.py")
    app.text_input(key="prompt-question").set_value("When does the workshop close?").run()
    assert "1 of 2 passages are dropped" in words(app) and "in 1 passages" in words(app)
    assert "17:20" in app.code[-1].value and "Hull" not in app.code[-1].value
    app.text_input(key="prompt-question").set_value("Who won the chess match of 1912?").run()
    assert NOT_ANSWERED in words(app) and "would not be asked" in words(app)
    assert not any("chess match" in shown.value for shown in app.code)


def test_documents_are_listed_compared_and_watched(app, tmp_path):
    base = get_lab().knowledge_base
    said = "The workshop of Marlow Kites opens at 6:40 in the morning and closes at 17:20."
    base.add_bytes(said.encode(), "a.txt")
    base.add_bytes(said.replace("in the morning ", "").encode(), "b.txt")
    at(app, "pages/retrieval/documents.py")
    assert "exact search" in words(app)
    assert re.search("added \\d{4}\u2011\\d\\d\u2011\\d\\d\u00a0\\d\\d:\\d\\d", words(app))
    next(b for b in app.button if b.label == "Compare all passages").click().run()
    assert list(app.dataframe[0].value["Other document"]) == ["b.txt"]
    app.text_input(key="search").set_value("When does the workshop close?").run()
    assert "Searched in" in words(app)
    app.multiselect(key="search-documents").set_value(["b.txt"]).run()
    assert not app.exception
    folder = next(i for i in app.text_input if i.label.startswith("Folder on the machine"))
    folder.set_value(str(tmp_path / "missing"))
    next(b for b in app.button if b.label == "Watch").click().run()
    assert "is not a folder" in app.error[0].value


def test_a_name_too_long_is_told_and_the_other_uploads_are_added(app, monkeypatch):
    monkeypatch.setattr(ingest, "ensure", lambda *_, **__: None)  # they stay in the line
    at(app, "pages/retrieval/documents.py")
    files = [("a.txt", b"A."), ("x" * 220 + ".txt", b"X."), ("b.txt", b"B.")]
    app.file_uploader[0].set_value([(*file, "text/plain") for file in files]).run()
    assert [one.value for one in app.error] == [
        "A file name of 224 characters was given; 1 to 200 were expected\\. "
        "Rename the file and add it again\\."
    ]
    incoming = get_lab().knowledge_base.incoming
    assert [file.name for file in incoming.files()] == ["a.txt", "b.txt"]
    app.run()
    assert len(incoming.files()) == 2 and len(app.error) == 1


def test_passages_are_looked_at_fifty_at_a_time_and_open_in_their_document(app):
    base = get_lab().knowledge_base
    text = "\n\n".join(f"# Kite {n}\n\nKite {n} is of the year {1900 + n}." for n in range(60))
    base.add_bytes(text.encode(), "kites.md")
    at(app, "pages/retrieval/documents.py")
    button(app, "Look inside").click().run()
    chosen = next(one for one in app.selectbox if one.label == "Passages")
    assert chosen.options == ["1 to 50 of 60", "51 to 60 of 60"]
    assert plain("Kite 49 is of the year 1949.") in words(app)
    assert plain("Kite 50 is of the year 1950.") not in words(app)
    chosen.set_value(50).run()
    assert plain("Kite 59 is of the year 1959.") in words(app)
    assert plain("Kite 49 is of the year 1949.") not in words(app)
    app.text_input(key="search").set_value("Which kite is of the year 1912?").run()
    button(app, "Open in the document").click().run()
    assert not app.exception
    assert f":yellow-background[{plain('Kite 12 is of the year 1912.')}]" in words(app)
    assert "Characters " in words(app)


def test_a_source_that_is_gone_or_was_changed_is_one_sentence(app):
    def drawn():
        from pages.shared.source import source_button

        source_button("one", "hours.txt", None, "The workshop closes at 17:20.", 400)

    base = get_lab().knowledge_base
    for content, said in (
        (b"New. The workshop closes at 17:20. Later.", "The workshop closes at 17:20."),
        (b"It never closes.", "no longer holds this passage"),
        (None, "no longer among the documents"),
    ):
        if content:
            base.add_bytes(content, "hours.txt")
        else:
            base.remove("hours.txt")
        page = AppTest.from_function(drawn, default_timeout=60).run()
        page.button(key="one").click().run()
        assert not page.exception and said in words(page).replace("\\", "")


def button(app, label):
    return next(one for one in app.button if one.label == label)


def test_a_fine_tune_is_paused_and_goes_on_from_the_page(app, examples_file):
    lab = get_lab()
    examples = read_examples(examples_file.read_bytes(), examples_file.name).examples
    add_examples(lab.database, examples)
    settings = TrainSettings(epochs=400, batch_size=2)
    run = start_run(lab.home, examples, settings, lab.checkpoint(), name="long")

    def reach(done):
        deadline = time.monotonic() + 120
        while not done(read_run(run.folder)):
            assert time.monotonic() < deadline
            time.sleep(0.05)

    reach(lambda run: len(read_steps(run.folder)) > 2)
    at(app, "pages/finetuning/finetune.py")
    assert {"Pause", "Save now", "Cancel"} <= {one.label for one in app.button}
    assert {"Loss", "Learning rate", "Memory", "Time left"} <= {one.label for one in app.metric}
    button(app, "Pause").click().run()
    reach(lambda run: not run.state.active)
    at(app, "pages/finetuning/runs.py")
    assert read_run(run.folder).state.state == "paused"
    assert plain("long") + " – paused" in [one.value for one in app.subheader]
    button(app, "Go on").click().run()
    assert not app.exception and read_run(run.folder).state.active
    at(app, "pages/finetuning/finetune.py")
    button(app, "Cancel").click().run()
    reach(lambda run: not run.state.active)
    assert read_run(run.folder).state.state == "cancelled"


def test_what_was_forgotten_is_said(app):
    def shown():
        from types import SimpleNamespace

        from finetune_backend.forgetting.measure import Change
        from pages.shared.run_progress import forgetting

        changes = (Change("grammar", 0.8, 0.78, -2.0, 1.5), Change("surprise", 3.0, 3.3, 10.0, 2.0))
        forgetting(SimpleNamespace(forgetting=changes))

    shown = AppTest.from_function(shown).run()
    assert not shown.exception
    assert "lost 2.0 ± 1.5 points of grammar; general text surprises it 10.0 ± 2.0 % more" in (
        shown.markdown[0].value.replace("\\", "")
    )
    table = shown.dataframe[0].value
    assert list(table["Unit"]) == ["points", "% of the nats"]


def test_writing_examples_is_offered_once_there_are_documents(app, handbook):
    at(app, "pages/finetuning/examples.py")
    assert button(app, "Write examples").disabled
    lab = get_lab()
    lab.knowledge_base.add(handbook)
    at(app, "pages/finetuning/examples.py")
    assert not button(app, "Write examples").disabled
    folder = writing_folder(lab.home)
    write_json(folder / "state.json", {"state": "done", "message": "Done"})
    done = Written(3, 3, 2, 5, {"it does not name its subject": 4})
    write_json(folder / "written.json", dataclasses.asdict(done))
    app.session_state["examples_written"] = []
    at(app, "pages/finetuning/examples.py")
    assert "5 examples written about 2 facts" in words(app)
    assert "4 because it does not name its subject" in words(app)
