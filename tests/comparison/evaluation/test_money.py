"""Money for each column, from one place, and none where no price is known."""

import json
from datetime import date
from statistics import mean

import pytest

import cli
from comparison.evaluation.kept import find_evaluation
from comparison.evaluation.money import MONEY, priced
from comparison.evaluation.results import results
from comparison.prices import Prices, load_prices, save_prices
from comparison.report.contents import make_report
from comparison.report.markdown import to_markdown
from workbench.errors import RagtuneError


def test_a_thousand_questions_cost_their_seconds_or_their_tokens(evaluated_lab):
    found = results(find_evaluation(evaluated_lab.home, "one"))
    assert priced(found, Prices()) is found
    by_hour = priced(found, Prices(machine_hour=3.6))  # a second costs a thousandth
    by_token = priced(found, Prices(3.6, 2.0, 10.0))
    for label, own in found.measures.items():
        seconds = mean(row["latency_ms"] / 1000 for row in found.rows if row["column"] == label)
        assert by_hour.measures[label][MONEY] == pytest.approx(seconds)
        interval = by_hour.intervals[label][MONEY]
        assert interval.low < interval.value < interval.high
        read, written = own["prompt_tokens"], own["completion_tokens"]
        assert by_token.measures[label][MONEY] == pytest.approx((2 * read + 10 * written) / 1000)
        assert MONEY not in own


def test_a_price_is_set_once_for_all_that_counts_money(evaluated_lab, capsys):
    def ragtune(*arguments):
        code = cli.main(["--home", str(evaluated_lab.home.folder), *map(str, arguments)])
        return code, *capsys.readouterr()

    evaluation = find_evaluation(evaluated_lab.home, "one")

    def report():
        return to_markdown(make_report(evaluated_lab, evaluation, date(2026, 11, 26)))

    assert MONEY not in ragtune("evaluations", "show", "one")[1]
    assert "money, a thousand questions" not in report()
    code, out, _ = ragtune("prices", "--machine-hour", 3.6, "--json")
    assert code == 0 and json.loads(out)["machine_hour"] == 3.6
    assert ragtune("prices", "--tokens-read", 0)[0] == 0
    assert load_prices(evaluated_lab.home) == Prices(machine_hour=3.6)
    assert "machine_hour    3.600" in ragtune("prices")[1]
    assert MONEY in ragtune("evaluations", "show", "one")[1]
    printed = json.loads(ragtune("evaluations", "show", "one", "--json")[1])
    low, high = printed["intervals"]["rag"][MONEY]
    assert low < printed["methods"]["rag"][MONEY] < high
    assert "money, a thousand questions" in report()
    advice = json.loads(ragtune("advise", "--json")[1])
    assert advice["prices"]["machine_hour"] == 3.6
    (cost,) = (one for one in advice["break_even"]["money"]["costs"] if one["method"] == "rag")
    assert cost["thousand_questions"] == pytest.approx(printed["methods"]["rag"][MONEY])
    code, _, err = ragtune("prices", "--machine-hour", -1)
    assert code == 1 and "machine_hour is -1; a number from 0 to 1e+06 was expected" in err


def test_prices_that_are_damaged_are_named(tiny_lab):
    save_prices(tiny_lab.home, Prices(tokens_read=2.0))
    assert load_prices(tiny_lab.home).by_tokens
    tiny_lab.home.prices.write_text("[1]", encoding="utf-8")
    with pytest.raises(RagtuneError, match=r"prices\.json should hold one JSON object"):
        load_prices(tiny_lab.home)
