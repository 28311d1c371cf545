"""Language models: which checkpoint, how a question is put to it, and an engine to run it."""
