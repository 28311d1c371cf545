"""The sample, with the bundled model: a newcomer's first minutes, for real."""

from playwright.sync_api import expect


def test_the_sample_leads_to_four_answers(serve, page):
    app = serve()
    page.goto(app.url)
    page.get_by_role("button", name="Try the sample").click()
    expect(page.get_by_text("documents indexed")).to_be_visible(timeout=180_000)
    expect(page.get_by_text("Time left")).to_be_visible(timeout=120_000)
    expect(page.get_by_role("heading", name="Ask", level=1)).to_be_visible(timeout=2_400_000)
    question = page.get_by_label("Question")
    expect(question).not_to_have_value("")
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_text("Equal conditions")).to_be_visible(timeout=180_000)
    columns = page.get_by_test_id("stColumn").filter(has=page.locator("h4"))
    for number in (1, 2, 3):  # it was read, learned, or both
        expect(columns.nth(number)).to_contain_text("Nadja Orsolt")
    assert "Nadja Orsolt" not in columns.nth(0).inner_text()
