"""The sample: a newcomer's first minutes, for real."""

import torch
from playwright.sync_api import expect

from workbench.hardware import fastest_dtype


def test_the_sample_leads_to_four_answers(serve, page, tiny_model):
    # Without bfloat16 the bundled model learns for a quarter of an hour or more: there a tiny one
    # takes the same way, of which nobody expects the right answers.
    bundled = fastest_dtype("cpu") == torch.bfloat16
    app = serve() if bundled else serve(tiny_model)
    page.goto(app.url)
    page.get_by_role("button", name="Try the sample").click()
    expect(page.get_by_text("documents indexed")).to_be_visible(timeout=180_000)
    expect(page.get_by_text("Time left")).to_be_visible(timeout=120_000)
    expect(page.get_by_role("heading", name="Ask", level=1)).to_be_visible(timeout=900_000)
    question = page.get_by_label("Question")
    expect(question).not_to_have_value("")
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_text("Equal conditions")).to_be_visible(timeout=180_000)
    columns = page.get_by_test_id("stColumn").filter(has=page.locator("h4"))
    expect(columns).to_have_count(4)
    if bundled:
        for number in (1, 2, 3):  # it was read, learned, or both
            expect(columns.nth(number)).to_contain_text("Nadja Orsolt")
        assert "Nadja Orsolt" not in columns.nth(0).inner_text()
