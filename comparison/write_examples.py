"""Examples written from the documents: ``python -m comparison.write_examples HOME/writing``.

That is a job of its own, which the page Examples and ``ragtune examples build`` start. A question
writer asks for what a paragraph says; a reader, the verifier, has to find the answer again. What
is kept is added paragraph by paragraph; stopped and started again, it goes on.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from comparison.lab import Lab, open_lab
from finetune_backend.examples.find import find_examples
from finetune_backend.examples.review import to_train_on
from finetune_backend.examples.store import add_examples, list_examples
from finetune_backend.examples.wording import fold, short_hash
from finetune_backend.exports.base import public_name
from finetune_backend.writer.facts import Fact
from finetune_backend.writer.write import (
    Asked,
    Chat,
    Paragraph,
    Say,
    as_examples,
    ask_for,
    check_answers,
    paragraphs_of,
    write_questions,
)
from rag_backend.documents import Progress
from rag_backend.passages import embedding_text
from rag_backend.verify.verifier import FOLDER as READER
from rag_backend.verify.verifier import YES, verify_prompt
from workbench import jobs
from workbench.errors import RagtuneError
from workbench.files import read_json, write_json
from workbench.home import Home
from workbench.language_models.choose import choose_engine, load_engine
from workbench.language_models.engine import Engine
from workbench.language_models.loading import find_checkpoint
from workbench.language_models.server_engine import ServerEngine
from workbench.settings import DEFAULT_MODEL, Settings, split_writer
from workbench.values import Block, Example, Passage

WRITER = Path(__file__).parent.parent / "finetune_backend" / "writer" / "smollm2-questions"
WORDINGS = 3
"""Of each fact, at most."""
_TOGETHER = 4
"""Paragraphs that are worked on at once; what they gave is kept before the next."""
_LONGEST_LIST = 120
_LONGEST_ANSWER = 32
_FOLDER = "writing"
_ASKED_BEFORE = "it is asked already, with another answer"


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes the questions, and who has to find their answers again."""

    engine: Engine
    writer: str | None
    """The adapter that writes; None where the model itself does."""
    reader: str | None


@dataclass(frozen=True, slots=True)
class Written:
    """How far the writing is."""

    paragraphs: int
    of: int
    facts: int
    """With at least one example."""
    examples: int
    rejected: dict[str, int]
    """Questions left out, by the reason."""


def load_author(lab: Lab) -> Author:
    """Return who writes: the writer that the settings name, or the model on their server, or the
    shipped writer on its own model.

    Raises:
        RagtuneError: there is no such model, or it can't be loaded.
    """
    settings = lab.settings
    if settings.writer:
        name, server = split_writer(settings.writer)
        named = find_checkpoint(name, server)
        if server:
            return Author(ServerEngine(named, "writer"), None, None)
        return Author(load_engine(choose_engine("auto", named).engine, named), None, None)
    if settings.server:
        return Author(lab.engine(), None, None)
    checkpoint = find_checkpoint(DEFAULT_MODEL)
    engine = load_engine(choose_engine("auto", checkpoint).engine, checkpoint)
    return Author(engine, str(WRITER), str(READER))


def who_writes(settings: Settings) -> str:
    """Say who writes examples and exams, as the subject of a sentence."""
    name, server = split_writer(settings.writer)
    if not name and settings.server:
        name, server = settings.model, settings.server
    if not name:
        return "A small model that comes along"
    return f"{name} on {server}" if server else public_name(name)


def write_examples(lab: Lab, author: Author, report: Callable[[Written], None]) -> Written:
    """Write examples from every paragraph that has none yet, and add them to the lab's.

    Args:
        lab: with documents.
        author: see `load_author`.
        report: called after every few paragraphs; what it raises ends the writing, and what was
            written is kept.

    Raises:
        RagtuneError: there are no documents, or the model can't answer.
    """
    writing_folder(lab.home).mkdir(exist_ok=True)
    if lab.knowledge_base.empty():
        raise RagtuneError("There are no documents to write examples from. Add some first.")
    gave = _gave(lab.home)
    before = list_examples(lab.database)
    there = {example.passage for example in before}
    # What was rejected must not stand in the way of a better answer.
    answers = {fold(one.question): fold(one.answer) for one in to_train_on(before)}
    # Where examples were deleted, they are wanted again; rejected ones are still there.
    waiting = [
        one
        for one in all_paragraphs(lab)
        if (count := gave.get(short_hash(one.text))) is None or (count and one.own not in there)
    ]
    done = Written(0, len(waiting), 0, 0, {})
    report(done)
    for start in range(0, len(waiting), _TOGETHER):
        part = waiting[start : start + _TOGETHER]
        asked = ask_about(part, author)
        made = list(as_examples([one for one in asked if not one.rejected]))
        examples = [
            one
            for one in made
            if answers.setdefault(fold(one.question), fold(one.answer)) == fold(one.answer)
        ]
        new = add_examples(lab.database, examples)
        gave |= {
            short_hash(one.text): sum(example.passage == one.own for example in examples)
            for one in part
        }
        write_json(_gave_file(lab.home), gave)
        rejected = Counter(done.rejected)
        rejected.update(one.rejected for one in asked if one.rejected)
        rejected[_ASKED_BEFORE] += len(made) - len(examples)
        facts = len({example.fact for example in examples})
        done = Written(
            start + len(part),
            len(waiting),
            done.facts + facts,
            done.examples + new,
            dict(+rejected),
        )
        report(done)
    return done


def found_examples(lab: Lab) -> list[Example]:
    """Return the questions and answers that the documents themselves contain."""
    return [
        example
        for name, blocks in lab.knowledge_base.blocks()
        for example in find_examples(name, blocks)
    ]


def all_paragraphs(lab: Lab) -> list[Paragraph]:
    """Return the paragraphs of all documents that may hold facts."""
    return [
        paragraph
        for name, blocks in lab.knowledge_base.blocks()
        for paragraph in paragraphs_of(name, blocks, _as_read)
    ]


def ask_about(paragraphs: Sequence[Paragraph], author: Author) -> list[Asked]:
    """Return every question that was written about the paragraphs, the rejected ones too."""
    return _read(write_questions(paragraphs, _writing(author), WORDINGS), author)


def ask_for_facts(
    facts: Sequence[tuple[Paragraph, Fact]], author: Author, wordings: int
) -> list[Asked]:
    """Return every question that was written for these facts, the rejected ones too."""
    return _read(ask_for(facts, _writing(author), wordings), author)


def _writing(author: Author) -> Say:
    return lambda chats: say_all(author.engine, author.writer, chats, _LONGEST_LIST)


def _read(asked: Sequence[Asked], author: Author) -> list[Asked]:
    """Reject the questions whose answer the reader does not find again."""
    open_ = [one for one in asked if not one.rejected]
    checked = iter(check_answers(open_, read_again(open_, author)))
    return [one if one.rejected else next(checked) for one in asked]


def read_again(asked: Sequence[Asked], author: Author) -> Iterator[str]:
    """Return what a reader answers to each question with its paragraph."""
    chats = [verify_prompt(one.question, one.paragraph.text) for one in asked]
    if author.reader is not None:
        # Asked whether the answer is there, it would often say no before it has looked.
        chats = [[*chat, {"role": "assistant", "content": f"{YES}\n"}] for chat in chats]
    return say_all(author.engine, author.reader, chats, _LONGEST_ANSWER)


def say_all(
    engine: Engine, adapter: str | None, chats: Sequence[Chat], max_new_tokens: int
) -> Iterator[str]:
    """Yield the answers to conversations in their order, as many at once as the engine takes."""

    def say(chat: Chat) -> str:
        pieces = engine.stream(chat, adapter=adapter, max_new_tokens=max_new_tokens)
        return "".join(piece.text for piece in pieces).strip()

    with ThreadPoolExecutor(engine.together) as pool:
        yield from pool.map(say, chats)


def start_writing(home: Home) -> None:
    """Start the job, or leave it running."""
    jobs.start_once(home, _FOLDER, "comparison.write_examples")


def follow_writing(home: Home, progress: Progress) -> Written:
    """Start the job where it isn't running, wait for its end, and return what was written.

    Raises:
        RagtuneError: it did not end well; with its reason.
    """
    start_writing(home)
    jobs.follow(writing_folder(home), progress)
    done = written(home)
    assert done is not None  # it reports before it begins
    return done


def writing_folder(home: Home) -> Path:
    """Return the job's folder."""
    return home.folder / _FOLDER


def written(home: Home) -> Written | None:
    """Return how far the last writing came; None where there was none."""
    file = writing_folder(home) / "written.json"
    return Written(**read_json(file)) if file.exists() else None


def _as_read(document: str, block: Block) -> str:
    return embedding_text(document, Passage(block.text, block.headings))


def _gave_file(home: Home) -> Path:
    return writing_folder(home) / "paragraphs.json"


def _gave(home: Home) -> dict[str, int]:
    """Return how many examples each paragraph gave that was written about, by its hash."""
    file = _gave_file(home)
    return dict(read_json(file)) if file.exists() else {}


def _work(folder: Path) -> None:
    with jobs.working(folder) as job:
        job.say("Loading the question writer")
        lab = open_lab(folder.parent)

        def report(done: Written) -> None:
            write_json(folder / "written.json", asdict(done))
            share = done.paragraphs / done.of if done.of else 1.0
            job.say(f"Paragraph {done.paragraphs} of {done.of}, {done.examples} examples", share)

        write_examples(lab, load_author(lab), report)


if __name__ == "__main__":
    _work(Path(sys.argv[1]))
