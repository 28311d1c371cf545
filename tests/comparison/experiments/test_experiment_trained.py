"""What experiments that train choose, and what they find in their rows, by hand."""

from comparison.experiments import forgetting, wordings
from comparison.experiments.worded import choose, distinct, lacks, shown, sizes
from workbench.values import Example

FACTS = ("leave", "notice", "returns", "Who sews the sails?")
WAYS = ("leave, {}", "notice: {}", "tell me this: {}", "{} please", "so, {}", "{} now")
EXAMPLES = [Example(way.format(fact), "So.", fact) for fact in FACTS for way in WAYS]


def test_facts_are_chosen_that_have_wordings_enough():
    given = [*EXAMPLES, Example("Leave, who sews the sails?", "Two.", "other")]
    assert {fact: len(own) for fact, own in distinct(given).items()} == {
        **dict.fromkeys(FACTS, 6),
        "Who sews the sails?": 5,
    }
    facts = choose(given, 30, 8)
    assert sizes(facts) == [1, 2, 4] and len(facts) == 4
    assert choose(given, 30, 8) == facts  # drawn the same way again
    assert sizes(choose(given, 30, 3)) == [1, 2] and len(choose(given, 3, 8)) == 3
    passes = {size: shown(facts, size) for size in (1, 2, 4)}
    assert {len(rows) for rows in passes.values()} == {16}
    assert set(passes[1]) < set(passes[2]) < set(passes[4])
    assert not {fact.asked for fact in facts} & set(passes[4])
    assert lacks([]) == "No examples yet." and lacks(given) is None


def trained(rank, epochs, surprise, grammar, recalled, of=20):
    row = {"rank": rank, "epochs": epochs, "recalled": recalled, "of": of}
    for kind, change in {"surprise": surprise, "grammar": grammar}.items():
        row |= {kind: change, f"{kind} ±": 2.0}
    return row | {"knowledge": 0.0, "knowledge ±": 1.0, "declining": 3.0, "declining ±": 1.0}


def test_forgetting_is_told_where_intervals_are_apart_and_else_not():
    rows = [
        trained(32, 9, 40.0, -6.0, 19),
        trained(32, 1, 5.0, -1.0, 2),
        trained(4, 9, 6.5, -1.0, 3),
        trained(4, 1, 3.0, -0.5, 1),
    ]
    result = forgetting.found(rows, ["A note."])
    assert [(line["rank"], line["epochs"]) for line in result.table] == [
        *(("rank 4", 1), ("rank 4", 9), ("rank 32", 1), ("rank 32", 9))
    ]
    assert (result.table[3]["grammar low"], result.table[3]["grammar high"]) == (-8.0, -4.0)
    assert result.caption == (
        "Rank 4 after 9 epochs: recalls 3 of 20 held-out wordings (15 %, 5–36 %); beside the "
        "base, worse: surprise +6.5 % (+4.5 to +8.5); better: declining +3.0 points (+2.0 to "
        "+4.0); no change can be told: grammar, knowledge. After 1 epoch: recalls 1 of 20 held-out "
        "wordings (5 %, 1–24 %); since then, intervals overlap, so no difference can be told: "
        "recall, grammar, knowledge, declining, surprise. Rank 32 after 9 epochs: recalls 19 of 20 "
        "held-out wordings (95 %, 76–99 %); beside the base, worse: grammar −6.0 points (−8.0 to "
        "−4.0), surprise +40.0 % (+38.0 to +42.0); better: declining +3.0 points (+2.0 to +4.0); "
        "no change can be told: knowledge. After 1 epoch: recalls 2 of 20 held-out wordings (10 %, "
        "3–30 %); since then, different: recall, grammar, surprise; intervals overlap, so no "
        "difference can be told: knowledge, declining. Rank 32 beside rank 4, both after 9 epochs: "
        "different: recall, grammar, surprise; intervals overlap, so no difference can be told: "
        "knowledge, declining."
    )
    unknown = forgetting.found([trained(4, 1, 0.0, 0.0, 0, of=0)], [])
    assert len(unknown.figures) == 4 and "recall" not in unknown.caption


def test_wordings_are_told_with_pairs_of_the_same_questions():
    def rows(method, size, right):
        outcomes = ["true" if one == "1" else "other" for one in right]
        return [
            {"method": method, "wordings": size, "number": number, "outcome": outcome}
            for number, outcome in enumerate(outcomes)
        ]

    given = [
        *rows("base", 0, "0000000000"),
        *rows("rag", 0, "1111111100"),
        *rows("finetuned", 1, "1000000000"),
        *rows("finetuned", 2, "1110000000"),
        *rows("finetuned", 4, "1111111110"),
    ]
    result = wordings.found(given, [1, 2, 4], [])
    right = {(line["method"], line["wordings"]): line["right"] for line in result.table}
    assert right["fine-tuned", 2] == 3 and right["RAG", 4] == right["RAG", 1] == 8
    assert result.caption.startswith(
        "From 1 wording of each fact to 4, fine-tuned's right answers to a wording that it never "
        "saw go from 1 of 10 (10 %, 2–40 %) to 9 of 10 (90 %, 60–98 %): +80 points ("
    )
    assert (
        "RAG, which is not trained, gives 8 of 10 (80 %, 49–94 %); beside it, fine-tuned with 4 "
        "wordings: no difference can be told, +10 points (" in result.caption
    )
