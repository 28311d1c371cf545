"""Passages that say almost the same are found, rows that differ in a number are not."""

from rag_backend.index.duplicates import near_duplicates


def test_near_duplicates_are_found_across_documents(tiny_lab):
    base = tiny_lab.knowledge_base
    said = "The workshop of Marlow Kites opens at 6:40 in the morning and closes at 17:20."
    base.add_bytes(said.encode(), "a.txt")
    base.add_bytes(said.replace("in the morning ", "").encode(), "b.txt")
    base.add_bytes(b"name,price\nFlagship,940\nSparrow,120\nHeron,310", "prices.csv")
    pairs = near_duplicates(tiny_lab.database, base.index)
    assert [pair.documents for pair in pairs] == [("a.txt", "b.txt")]
    assert 0.75 <= pairs[0].shared < 1 and pairs[0].texts[0] == said
    base.remove("b.txt")
    assert near_duplicates(tiny_lab.database, base.index) == []


def test_nothing_is_compared_with_nothing(tiny_lab):
    assert near_duplicates(tiny_lab.database, tiny_lab.knowledge_base.index) == []
