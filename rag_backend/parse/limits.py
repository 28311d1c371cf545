"""How much of a document is read: every limit of the parsers, with its unit."""

MAX_FILE_BYTES = 50 * 1024 * 1024
MAX_PAGES = 2_000
MAX_SCANNED_PAGES = 300
"""Recognising the text of a page takes seconds."""
MAX_IMAGE_PIXELS = 100_000_000
MAX_TEXT_CHARACTERS = 5_000_000
MAX_BLOCKS = 200_000
MAX_TABLE_ROWS = 100_000
MAX_NESTING = 100
"""How deep the objects and lists of a JSON file may lie in each other."""
MAX_UNPACKED_BYTES = 200 * 1024 * 1024
"""A DOCX is a zip file: what it, or an archive of documents, may grow to when unpacked."""
MAX_ARCHIVE_FILES = 1_000
MAX_UNPACKED_RATIO = 200
"""How many times its size a file in an archive may grow to; text grows to 3 to 20 times."""
MAX_HEADING_CHARACTERS = 200
"""What is longer is a paragraph that was only styled as a heading."""

MAX_SECONDS = 120.0
"""How long one file may be read. With every scanned page that is done, the time starts anew."""
MAX_MEMORY_BYTES = 2 * 1024**3
MAX_FILES_PER_PROCESS = 500
"""After so many files the process that reads them makes room for a fresh one."""
IDLE_SECONDS = 60.0
"""A process that has read nothing for so long ends, which gives its memory back."""
