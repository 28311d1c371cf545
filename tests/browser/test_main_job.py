"""The main job as a person does it: upload, index, fine-tune, ask, four columns."""

import json

import pytest
from playwright.sync_api import expect


def open_page(page, name):
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def upload(page, *files):
    page.locator("input[type=file]").first.set_input_files(
        [{"name": name, "mimeType": "text/plain", "buffer": data} for name, data in files]
    )


@pytest.fixture()
def app(serve, page, tiny_model):
    """The app with a tiny model; what it says is noise, but every part of the way is real."""
    app = serve(tiny_model)
    page.goto(app.url)
    return app


def test_upload_train_ask(app, page, examples_file):
    open_page(page, "Ask")
    expect(page.get_by_text("No documents yet.")).to_have_count(2)
    expect(page.get_by_text("No adapter for this model yet.")).to_be_visible()
    page.get_by_role("link", name="Open Documents").first.click()

    hours = b"# Hours\n\nThe workshop of Marlow Kites opens at 6:40 and closes at 17:20.\n"
    upload(
        page,
        ("hours.md", hours),
        ("kites.csv", b"kite,price\nFlagship,940\nSparrow,120\nHeron,310\n"),
        ("<img src=x onerror=alert(1)>.txt", b"<script>alert(1)</script> Kites **fly**."),
        ("broken.pdf", b"this is not a PDF"),
    )
    expect(page.get_by_text("hours.md – Added: 1 passage.")).to_be_visible(timeout=90_000)
    expect(page.get_by_text("broken.pdf").first).to_be_visible()
    expect(page.get_by_role("heading", name="3 documents")).to_be_visible()
    # A file's name is text: no image was made of it.
    expect(page.get_by_text("<img src=x onerror=alert(1)>.txt").first).to_be_visible()
    assert page.locator("img[src=x]").count() == 0

    page.get_by_label("Question").fill("When does the workshop close?")
    page.get_by_label("Question").press("Enter")
    expect(page.get_by_text("hours.md · similarity")).to_be_visible(timeout=60_000)

    open_page(page, "Examples")
    page.get_by_role("button", name="Find examples").click()
    expect(page.get_by_text("of them new")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("No examples yet.")).to_be_visible()
    upload(page, ("training.jsonl", examples_file.read_bytes()))
    expect(page.get_by_role("heading", name="8 examples, 2 facts")).to_be_visible()

    page.get_by_role("link", name="Go on to Fine-tune").click()
    page.get_by_label("Name", exact=True).fill("kites")
    page.get_by_role("button", name="Start the fine-tune").click()
    expect(page.get_by_text("kites is done.")).to_be_visible(timeout=120_000)

    open_page(page, "Ask")
    page.get_by_label("Question").fill("When does the workshop close?")
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_text("Equal conditions")).to_be_visible(timeout=120_000)
    columns = page.get_by_test_id("stColumn").filter(has=page.locator("h4"))
    expect(columns).to_have_count(4)
    boxes = [columns.nth(number).bounding_box() for number in range(4)]
    assert len({round(box["y"]) for box in boxes}) == 1
    assert sorted(box["x"] for box in boxes) == [box["x"] for box in boxes]
    for number, heading in enumerate(("Base", "RAG", "Fine-tuned", "Hybrid")):
        column = columns.nth(number)
        expect(column.locator("h4")).to_contain_text(heading)
        expect(column.get_by_text("tokens read")).to_be_visible()
        with_sources = heading in ("RAG", "Hybrid")
        assert column.get_by_text("sources found").count() == with_sources
    columns.nth(1).get_by_text(". hours.md").click()
    expect(columns.nth(1).get_by_text("closes at 17:20")).to_be_visible()
    columns.nth(1).get_by_role("button", name="Open in the document").locator(
        "visible=true"
    ).click()
    expect(page.get_by_role("dialog").get_by_text("hours.md")).to_be_visible()
    page.get_by_role("dialog").get_by_label("Close").click()
    columns.nth(1).get_by_role("button", name="How this came about").click()
    expect(page.get_by_role("dialog").get_by_text("Based on the text above")).to_be_visible()
    page.get_by_role("dialog").get_by_label("Close").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as JSON").click()
    report = json.loads(download.value.path().read_text(encoding="utf-8"))
    assert len(report["answers"]) == 4

    # Everything is still there in a new visit.
    page.reload()
    open_page(page, "Documents")
    page.get_by_role("button", name="Remove").last.click()
    expect(page.get_by_role("heading", name="2 documents")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", name="3 documents")).to_be_visible(timeout=60_000)


def test_a_fine_tune_outlives_its_tab_and_can_be_cancelled(app, page, examples_file):
    open_page(page, "Examples")
    upload(page, ("training.jsonl", examples_file.read_bytes()))
    expect(page.get_by_role("heading", name="8 examples, 2 facts")).to_be_visible()
    open_page(page, "Fine-tune")
    page.get_by_test_id("stExpander").filter(has_text="Settings").locator("summary").click()
    page.get_by_label("Epochs", exact=True).fill("1000")
    page.get_by_label("Epochs", exact=True).press("Tab")
    page.get_by_label("Batch size", exact=True).fill("1")
    page.get_by_label("Batch size", exact=True).press("Tab")
    page.get_by_role("button", name="Start the fine-tune").click()
    expect(page.get_by_text("Time left")).to_be_visible(timeout=60_000)

    other = page.context.new_page()
    page.close()
    other.goto(f"{app.url}/finetune")
    expect(other.get_by_text("Time left")).to_be_visible(timeout=30_000)
    expect(other.get_by_role("button", name="Start the fine-tune")).to_have_count(0)
    other.get_by_role("button", name="Cancel").click()
    expect(other.get_by_text("adapter-1 is cancelled.")).to_be_visible(timeout=60_000)
    expect(other.get_by_role("button", name="Start the fine-tune")).to_be_visible()


def test_a_deep_link_works_on_a_fresh_server(serve, page, tiny_model):
    page.goto(f"{serve(tiny_model).url}/ask")
    page.get_by_label("Question").fill("Who?")  # waits until nothing covers it
    expect(page.get_by_role("heading", name="Ask", level=1)).to_be_visible()
    expect(page.get_by_text("Page not found")).to_have_count(0)
