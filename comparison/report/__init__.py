"""A report of an evaluation, to be handed to somebody: as HTML, Markdown, CSV and Parquet."""
