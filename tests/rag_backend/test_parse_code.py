"""Source code: definitions under their names, in several languages, without parsing any."""

import pytest
from made_documents import read, refusal

from rag_backend.parse.code import CODE

PYTHON = '''\
"""About kites."""
import os

@dataclass
class Kite(Toy):
    """class of things

    function returns"""

    size = 1

    def fly(self):
        up = 1

        return up

def land(kite) -> int:
    return 1

if __name__ == "__main__":
    land(3)
'''


def shown(tmp_path, name, content):
    return [(block.headings, block.text) for block in read(tmp_path, name, content).blocks]


def test_python_definitions_are_headings(tmp_path):
    assert shown(tmp_path, "a.py", PYTHON) == [
        ((), '"""About kites."""\nimport os'),
        (
            ("Kite",),
            '@dataclass\nclass Kite(Toy):\n    """class of things\n\n    function returns"""\n\n'
            "    size = 1",
        ),
        (("Kite", "fly"), "    def fly(self):\n        up = 1\n\n        return up"),
        (("land",), "def land(kite) -> int:\n    return 1"),
        ((), 'if __name__ == "__main__":\n    land(3)'),
    ]


@pytest.mark.parametrize(
    ("name", "source", "headings"),
    [
        ("a.c", "static char *name_of(int x)\n{\n    f();\n\n    return 0;\n}\n", ["name_of"]),
        (
            "a.cpp",
            "int Kite::fly(int x) {\n  return 0;\n}\nint main() {\n}\n",
            ["Kite::fly", "main"],
        ),
        ("a.ts", "export const fly = async (a: X) => {\n};\n\nfly(1);\n", ["fly", None]),
        (
            "a.java",
            "/** Doc.\n * more\n */\npublic class Kite {\n\n  @Override\n  public int fly() {\n"
            "    if (a) {\n    }\n\n    while (b) {\n    }\n  }\n}\n",
            ["Kite", "Kite > fly"],
        ),
        ("a.go", "func (k *Kite) Fly(x int) error {\n}\n\ntype T struct {\n}\n", ["Fly", "T"]),
        (
            "a.rs",
            "impl<T> Fly for Kite {\n\n    pub fn up(x: i32) {\n    }\n}\n",
            ["Fly", "Fly > up"],
        ),
        ("a.rb", "class Kite\n  def self.fly\n  end\nend\n", ["Kite"]),
        ("a.php", "<!DOCTYPE html>\n<p>x</p>\n\n<?php\nfunction fly($x) {\n}\n", [None, "fly"]),
        ("a.sql", "CREATE TABLE IF NOT EXISTS kites (\n  id INT\n);\nSELECT 1;\n", ["kites"]),
        ("a.sh", "#!/bin/sh\nset -e\n\nfly() {\n  up\n}\n", [None, "fly"]),
        ("a.toml", "a = 1\n[tool.kite]\nb = 2\n[[x]]\nc = 3\n", [None, "tool.kite", "x"]),
        ("a.yaml", "kites:\n  - a\nplaces: |\n  b\n", ["kites", "places"]),
    ],
)
def test_definitions_of_other_languages(tmp_path, name, source, headings):
    found = [" > ".join(h) or None for h, _ in shown(tmp_path, name, source)]
    assert found == headings


@pytest.mark.parametrize("extension", CODE)
def test_every_kind_of_code_is_read_and_nothing_else(tmp_path, extension):
    assert shown(tmp_path, f"a{extension}", "x 1")[0][1] == "x 1"
    assert "a Windows program" in refusal(tmp_path, f"a{extension}", b"MZ\x90\0" + bytes(50))
