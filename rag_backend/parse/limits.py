"""How much of a document is read: every limit of the parsers, with its unit."""

MAX_FILE_BYTES = 50 * 1024 * 1024
MAX_PAGES = 2_000
MAX_TEXT_CHARACTERS = 5_000_000
MAX_TABLE_ROWS = 100_000
MAX_UNPACKED_BYTES = 200 * 1024 * 1024
"""A DOCX is a zip file: what it may grow to when unpacked."""
MAX_HEADING_CHARACTERS = 200
"""What is longer is a paragraph that was only styled as a heading."""
