"""JSON and JSON Lines: objects, rows, numbers as they are written, and what is no JSON."""

import json

import pytest
from made_documents import read, refusal, texts


def shown(tmp_path, name, content):
    return [(block.headings, block.text) for block in read(tmp_path, name, content).blocks]


def test_json_objects_become_headings_and_lists_of_them_rows(tmp_path):
    source = """{
        "name": "Kite", "version": 1.10, "id": 12345678901234567890, "tags": ["a", "b"],
        "gone": null, "ok": true, "address": {"city": "Hull", "geo": {"lat": 53.70}},
        "parts": [{"name": "Nail", "size": {"w": 1}}, {"name": "Bolt", "size": {"w": 2}, "t": [3]}],
        "text": "First paragraph.\\n\\nSecond.", "matrix": [[1, 2], [3, 4]]
    }"""
    assert shown(tmp_path, "a.json", source) == [
        ((), "name: Kite\nversion: 1.10\nid: 12345678901234567890\ntags: a, b\nok: true"),
        (("address",), "city: Hull"),
        (("address", "geo"), "lat: 53.70"),
        (("parts",), "name: Nail; size.w: 1"),
        (("parts",), "name: Bolt; size.w: 2; t: 3"),
        (("text",), "First paragraph."),
        (("text",), "Second."),
        (("matrix",), "- 1, 2\n- 3, 4"),
    ]
    row = read(tmp_path, "a.json", source).blocks[3]
    assert row.cells == (("name", "Nail"), ("size.w", "1"))


def test_json_objects_with_long_texts_become_sections(tmp_path):
    source = json.dumps([{"title": "Leave", "body": "Once.\nTwice."}, {"body": "word " * 100}])
    assert shown(tmp_path, "a.json", source) == [
        (("Leave",), "title: Leave"),
        (("Leave", "body"), "Once.\nTwice."),
        (("2", "body"), ("word " * 100).strip()),
    ]


def test_jsonl_lines_become_rows(tmp_path):
    source = '{"q": "Où?", "a": "Ici."}\r\n\r\n{"q": "何?", "a": "שלום"}\r\n'
    assert texts(read(tmp_path, "a.jsonl", source)) == ["q: Où?; a: Ici.", "q: 何?; a: שלום"]


def test_json_that_is_none_is_refused_with_its_place(tmp_path):
    assert "in line 2, column 1" in refusal(tmp_path, "a.json", '{"a":\n}')
    assert "the extension .jsonl" in refusal(tmp_path, "a.json", '{"a": 1}\n{"a": 2}')
    assert "in line 3, column 1" in refusal(tmp_path, "a.jsonl", "1\n\nx")
    assert "a PNG image" in refusal(tmp_path, "a.json", b"\x89PNG\r\n\x1a\n")


@pytest.mark.parametrize("depth", [200, 100_000])
def test_json_nested_deeply_is_refused(tmp_path, depth):
    assert "nest" in refusal(tmp_path, "a.json", '{"a":' * depth + "1" + "}" * depth)
    assert "nest" in refusal(tmp_path, "a.jsonl", "[" * depth + "{}" + "]" * depth)
