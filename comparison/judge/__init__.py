"""A language model as a judge of answers: held against blind votes first, used only then."""
