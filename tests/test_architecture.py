"""The direction of imports is the one that the folders show."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAY_IMPORT = {
    "workbench": set(),
    "rag_backend": {"workbench"},
    "finetune_backend": {"workbench"},
    "comparison": {"workbench", "rag_backend", "finetune_backend"},
    "pages": {"workbench", "rag_backend", "finetune_backend", "comparison"},
    "commands": {"workbench", "rag_backend", "finetune_backend", "comparison"},
    "benchmarks": {"workbench", "rag_backend", "finetune_backend", "comparison"},
}


def imported(path):
    """Return the top-level names that a file imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_point_one_way(package):
    files = list((ROOT / package).rglob("*.py"))
    assert files
    for path in files:
        ours = imported(path) & {*MAY_IMPORT, "app", "cli"}
        assert ours <= MAY_IMPORT[package] | {package}, path


def test_only_the_pages_know_streamlit():
    for package in set(MAY_IMPORT) - {"pages"}:
        for path in (ROOT / package).rglob("*.py"):
            assert "streamlit" not in imported(path), path
    assert "streamlit" not in imported(ROOT / "cli.py")


def test_the_front_door_for_terminals_knows_its_commands_alone():
    assert imported(ROOT / "cli.py") & set(MAY_IMPORT) == {"commands", "workbench"}


def test_nothing_unpickles_or_renders_raw_html():
    for package in MAY_IMPORT:
        for path in (ROOT / package).rglob("*.py"):
            assert not imported(path) & {"pickle", "shelve", "dill", "joblib"}, path
            text = path.read_text(encoding="utf-8")
            for call in ("unsafe_allow_html=True", "allow_pickle=True", "torch.load(", "st.html("):
                assert call not in text, path
