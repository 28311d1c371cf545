"""The card says what there is to know of an adapter, and no text in it can break it."""

import dataclasses
import json

import pytest
from markdown_it import MarkdownIt

from finetune_backend.exports.base import NOT_STATED, base_of, licence_in, public_name
from finetune_backend.exports.card import code, write_card
from finetune_backend.settings import TrainSettings
from workbench.files import read_json, write_bytes, write_json
from workbench.settings import DEFAULT_MODEL

HOSTILE = [
    "```\n# Heading",
    "a `b` ``c``",
    "<script>alert(1)</script>",
    "![x](http://example.com/a.png) | cell | $x^2$",
    "---\nlicense: none",
    "\x1b[31mred\u2028line",
    "`",
    " ",
]


def tokens(text):
    return [part for token in MarkdownIt().parse(text) for part in (token, *(token.children or ()))]


def test_it_says_what_there_is_to_know(run):
    card = write_card(run, checked="12 of 12 answers equal; mean KL 0.0003 nats")
    saved = read_json(run.folder / "run.json")
    for said in (
        *("`kites`", "8 examples", "2 facts", "`kites.md`", "`Answer briefly.`"),
        *(run.adapter_sha256, run.checkpoint_sha256, saved["examples_sha256"]),
        *(saved["versions"].values()),
        *(field.name for field in dataclasses.fields(TrainSettings)),
        *("loss:", "12 of 12 answers equal", "Licence: not stated", "not be used for"),
    ):
        assert said in card, said
    for change in run.forgetting:
        assert f"{change.change:+.1f} ± {change.margin:.1f}" in card
    assert len(run.forgetting) == 4


def test_every_measure_has_its_meaning(run):
    kept = {**run.measures, "recall": 0.8, "watt_hours": 2.0}
    lines = write_card(dataclasses.replace(run, measures=kept)).splitlines()
    for name in kept:
        (line,) = (one for one in lines if one.startswith(f"- {name}: "))
        assert " – " in line, line


def test_it_names_no_place_on_this_machine(run, tiny_model):
    card = write_card(run)
    assert tiny_model.name in card
    assert str(tiny_model.parent) not in card and str(run.folder.parent) not in card


@pytest.mark.parametrize("form", ["peft", "merged"])
def test_its_code_is_python(run, form):
    (fence,) = [token for token in tokens(write_card(run, form)) if token.type == "fence"]
    compile(fence.content, "card", "exec")
    assert ("PeftModel" in fence.content) == (form == "peft")


def test_beside_a_gguf_file_it_names_the_program(run):
    (fence,) = [token for token in tokens(write_card(run, "gguf")) if token.type == "fence"]
    assert fence.content == "llama-server -m kites.gguf\n"
    assert "for llama.cpp" in write_card(run, "gguf")


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_that_somebody_chose_stays_one_code_span(text):
    parsed = tokens(f"- {code(text)}, and more")
    (span,) = [token for token in parsed if token.type == "code_inline"]
    shown = "".join(c for c in text if c.isprintable() and not c.isspace())
    assert "".join(span.content.split()) == (shown or "(empty)")
    kinds = {token.type for token in parsed} - {"code_inline", "text", "inline"}
    assert not {kind for kind in kinds if not kind.startswith(("bullet", "list", "paragraph"))}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_documents_and_prompts_do_not_break_it(run, tmp_path, text):
    folder = tmp_path / "kites"
    row = {"question": "Who?", "answer": "Ada.", "document": f"x{text}"}
    write_bytes(folder / "examples.jsonl", json.dumps(row).encode())
    saved = read_json(run.folder / "run.json") | {"system_prompt": f"{text}\n```"}
    write_json(folder / "run.json", saved)
    write_bytes(
        folder / "adapter/adapter_config.json",
        (run.adapter / "adapter_config.json").read_bytes(),
    )
    usual = [token.type for token in tokens(write_card(run)) if token.type.endswith("_open")]
    card = write_card(dataclasses.replace(run, folder=folder))
    parsed = tokens(card)
    assert [token.type for token in parsed if token.type.endswith("_open")] == usual
    (fence,) = [token for token in parsed if token.type == "fence"]
    compile(fence.content, "card", "exec")
    assert card.split("\n---\n")[0].count("license") == 0


@pytest.mark.parametrize(
    ("file", "text", "licence"),
    [
        ("README.md", "---\ntags: [a]\nlicense: cc-by-4.0\n---\n# Model", "cc-by-4.0"),
        ("README.md", '---\nlicense: other\nlicense_name: "kite-1"\n---\n', "kite-1"),
        ("README.md", "# Model\n\nlicense: mit", NOT_STATED),
        ("LICENSE", "\n   Apache License\n   Version 2.0", "apache-2.0"),
        ("LICENSE.txt", "The Kite Licence\n\nFly it.", "The Kite Licence"),
        ("notes.txt", "MIT License", NOT_STATED),
        ("broken.gguf", "no GGUF", NOT_STATED),
    ],
)
def test_the_licence_is_what_the_folder_states(tmp_path, file, text, licence):
    (tmp_path / file).write_text(text, encoding="utf-8")
    assert licence_in(tmp_path) == licence


def test_the_bundled_model_is_known(run):
    base = base_of(dataclasses.replace(run, checkpoint=DEFAULT_MODEL))
    assert (base.name, base.licence) == ("HuggingFaceTB/SmolLM2-135M-Instruct", "apache-2.0")
    assert "Q4_1" in base.note
    card = write_card(dataclasses.replace(run, checkpoint=DEFAULT_MODEL))
    assert 'base_model: "HuggingFaceTB/SmolLM2-135M-Instruct"\n' in card
    assert 'license: "apache-2.0"\n' in card


@pytest.mark.parametrize(
    ("name", "public"),
    [("owner/model", "owner/model"), ("/home/somebody/models/kite-1b/", "kite-1b")],
)
def test_public_names(name, public):
    assert public_name(name) == public
