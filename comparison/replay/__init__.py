"""Bundles of an evaluation: everything that its answers came from, to be asked again."""
