"""Exams: read, kept, built from the documents, and held against what was trained on."""
