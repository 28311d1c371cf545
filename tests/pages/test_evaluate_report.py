"""What the page Evaluate offers to be handed to somebody."""

import shutil

import pytest

from pages.shared.lab import get_lab

PAGE = "pages/comparing/evaluate.py"


@pytest.fixture()
def home(tmp_path, evaluated_home):
    """A home with an evaluation, before the app opens it."""
    shutil.copytree(evaluated_home, tmp_path / "home")


def offered(app):
    app.switch_page(PAGE).run()
    assert not app.exception
    return {one.proto.label: one.proto for one in app.get("download_button")}


def test_report_rows_and_bundle_are_offered_while_they_can_be_made(home, app):
    there = offered(app)
    assert list(there) == ["CSV", "JSON", "Report", "Markdown", "Parquet", "Bundle"]
    assert not any(one.disabled for one in there.values())
    get_lab().knowledge_base.remove("handbook.md")
    there = offered(app)
    assert [label for label, one in there.items() if one.disabled] == ["Bundle"]
    assert "can't be bundled\\: the documents changed since" in there["Bundle"].help
