"""Experiments: one question about the methods each, answered on a person's own documents."""
