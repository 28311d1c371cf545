"""Evaluations that are kept: asked in a process of their own, row by row, and judged."""
