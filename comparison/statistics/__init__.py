"""How much a figure from some questions says about the others: intervals, tests, agreement."""
