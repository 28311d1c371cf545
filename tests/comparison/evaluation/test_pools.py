"""The three pools of an exam: who got how much of each right."""

from comparison.evaluation.pools import pools
from comparison.statistics.share import share_interval


def row(number, column, right, pool=None, trained=None, unanswerable=False):
    return {
        "number": number,
        "column": column,
        "right": right,
        "pool": pool,
        "trained": trained,
        "unanswerable": unanswerable,
    }


def test_each_pool_has_every_columns_share():
    rows = [
        *(row(0, one, one == "tuned", "trained") for one in ("rag", "tuned")),
        *(row(1, one, True, "trained") for one in ("rag", "tuned")),
        *(row(2, one, one == "rag", "untrained") for one in ("rag", "tuned")),
        row(3, "rag", True, "unanswerable", unanswerable=True),
    ]
    trained, untrained, unanswerable = pools(rows, ["rag", "tuned"])
    assert (trained.name, trained.questions) == ("trained", 2)
    assert trained.right == {"rag": share_interval(1, 2), "tuned": share_interval(2, 2)}
    assert untrained.meaning == "in the documents, never trained"
    assert untrained.right == {"rag": share_interval(1, 1), "tuned": share_interval(0, 1)}
    assert unanswerable.questions == 1 and list(unanswerable.right) == ["rag"]


def test_without_pools_in_the_exam_they_follow_from_what_was_trained_on():
    rows = [
        row(0, "rag", True),
        row(0, "tuned", True, trained=True),
        row(1, "rag", True),
        row(1, "tuned", False, trained=False),
        row(2, "rag", False, unanswerable=True),
        row(3, "rag", True),  # nobody knows
        row(4, "tuned", True, trained=True),
        row(4, "other", True, trained=False),  # they differ
    ]
    found = pools(rows, ["rag", "tuned", "other"])
    assert [(one.name, one.questions) for one in found] == [
        ("trained", 1),
        ("untrained", 1),
        ("unanswerable", 1),
    ]
    assert found[1].right == {"rag": share_interval(1, 1), "tuned": share_interval(0, 1)}
    assert pools([row(0, "rag", True)], ["rag"]) == []
