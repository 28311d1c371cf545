"""Training examples: found in documents, read from files, checked, and written out again."""
