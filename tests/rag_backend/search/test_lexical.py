"""Search by words: exact, incremental, and safe against what people type."""

import pytest
import sqlalchemy as sa

from rag_backend.search.find import find
from workbench.settings import Settings

WORDS = Settings(search="words", reranker="")


@pytest.fixture()
def base(tiny_lab):
    return tiny_lab.knowledge_base


def found(base, question):
    return [source.document for source in find(base.index, question, WORDS).sources]


def test_rare_words_weigh_more_and_forms_are_one(base):
    base.add_bytes(b"The kite flies over the workshop.", "a.txt")
    base.add_bytes(b"The kite, the kite, the kite is red.", "b.txt")
    base.add_bytes(b"Workshops open at six.", "c.txt")
    assert found(base, "What is a kite workshop?")[0] == "a.txt"
    assert set(found(base, "opening")) == {"c.txt"}
    assert found(base, "zeppelin") == []


@pytest.mark.parametrize(
    "question",
    ['"', "kite AND", "NEAR(kite", "kite*", "-kite", "words:kite", "^kite", "kite\0 OR", "() {}"],
)
def test_what_people_type_is_no_query_language(base, question):
    base.add_bytes(b"The kite flies.", "a.txt")
    assert found(base, question) == (["a.txt"] if "kite" in question else [])


def test_accents_and_writing_without_spaces(base):
    base.add_bytes("Der Geschäftsführer heißt Müller.".encode(), "de.txt")
    base.add_bytes("工房は六時四十分に開きます。".encode(), "ja.txt")
    base.add_bytes("六月の凧は赤い。".encode(), "june.txt")
    base.add_bytes("कार्यशाला सुबह खुलती है।".encode(), "hi.txt")
    assert found(base, "Muller")[0] == "de.txt"
    assert found(base, "工房はいつ開きますか")[0] == "ja.txt"
    assert found(base, "कार्यशाला") == ["hi.txt"]


def test_what_is_removed_or_replaced_is_found_no_more(base, tiny_lab):
    base.add_bytes(b"The kite is vermilion.", "a.txt")
    base.add_bytes(b"The kite is blue.", "a.txt")
    assert found(base, "vermilion") == [] and found(base, "blue") == ["a.txt"]
    base.add_bytes(b"Nothing else.", "b.txt")
    base.remove("a.txt")
    assert found(base, "blue") == []
    with tiny_lab.database.session() as session:
        assert session.scalar(sa.text("SELECT count(*) FROM passage_words")) == 1
