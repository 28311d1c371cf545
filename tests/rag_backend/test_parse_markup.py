"""Markdown and HTML."""

from made_documents import read, texts

from workbench.values import Block


def test_markdown_headings_lists_code_tables(tmp_path):
    source = """\
---
title: Guide
---
# Guide

Some *wrapped*
text with [a link](http://example.org) & `code`.

## Steps

1. First
2. Second
   - inner

```python
def f():

    return 1
```

| Model | Load |
|-------|------|
| Wren  | 28 kg |
| Heron | |

### Empty heading
"""
    assert read(tmp_path, "a.MD", source).blocks == (
        Block("title: Guide"),
        Block("Some wrapped text with a link & code.", ("Guide",)),
        Block("1. First\n2. Second\n  - inner", ("Guide", "Steps")),
        Block("def f():\n\n    return 1", ("Guide", "Steps")),
        Block(
            "Model: Wren; Load: 28 kg",
            ("Guide", "Steps"),
            cells=(("Model", "Wren"), ("Load", "28 kg")),
        ),
        Block("Model: Heron", ("Guide", "Steps"), cells=(("Model", "Heron"),)),
        Block("Empty heading", ("Guide", "Steps")),
    )


def test_markdown_lists_nested_deeply(tmp_path):
    source = "\n".join(f"{'  ' * level}- item{level}" for level in range(20))
    (found,) = texts(read(tmp_path, "a.md", source))
    assert found == source


def test_markdown_html_and_sibling_headings(tmp_path):
    source = "# A\n## B\none\n## C\ntwo\n\n<div>shown<!-- not --></div>\n\n# D\nthree<br>four"
    found = read(tmp_path, "a.markdown", source).blocks
    assert [(b.headings, b.text) for b in found] == [
        (("A", "B"), "one"),
        (("A", "C"), "two"),
        (("A", "C"), "shown"),
        (("D",), "three\nfour"),
    ]


# HTML


def test_html_text_without_scripts_navigation_and_hidden_parts(tmp_path):
    source = """<!doctype html><html><head><title>T</title><style>x{}</style>
<script>var bad = 1;</script></head><body><nav>NAV</nav><template>TPL</template>
<noscript>NOS</noscript><p hidden>HID</p><p style="display: none">HID2</p><!-- COM -->
<h1>Top &amp; <em>more</em></h1><p>One
  two<br>three</p><ul><li>a<li>b</ul><h2>Sub</h2><pre>x = 1
  y = 2</pre>
<table><caption>Prices</caption><tr><th>Item</th><th>Price</th></tr>
<tr><td rowspan=2>Nail</td><td>1</td></tr><tr><td>2</td></tr></table>
<table><tr><th>Start</th><td>May</td></tr></table><div>End</div></body></html>"""
    found = read(tmp_path, "a.html", source).blocks
    top, sub = ("Top & more",), ("Top & more", "Sub")
    assert found == (
        Block("One two\nthree", top),
        Block("- a\n- b", top),
        Block("x = 1\n  y = 2", sub),
        Block("Prices", sub),
        Block("Item: Nail; Price: 1", sub, cells=(("Item", "Nail"), ("Price", "1"))),
        Block("Item: Nail; Price: 2", sub, cells=(("Item", "Nail"), ("Price", "2"))),
        Block("Start: May", sub, cells=(("Start", "May"),)),
        Block("End", sub),
    )


def test_html_nested_deeply_and_with_declared_encoding(tmp_path):
    deep = "<div>" * 20_000 + "bottom" + "</div>" * 20_000
    assert texts(read(tmp_path, "a.htm", f"<html>{deep}</html>")) == ["bottom"]
    page = '<html><meta charset="iso-8859-2"><p>łódź</p></html>'.encode("iso-8859-2")
    assert texts(read(tmp_path, "b.html", page)) == ["łódź"]
