"""PNG and JPEG: the text in a picture, such as the photograph of a page."""

import io
import warnings

from rag_backend.parse.limits import MAX_IMAGE_PIXELS
from rag_backend.parse.ocr import MAX_SIDE_PIXELS, recognised, with_even_sizes
from rag_backend.parse.outline import Outline
from rag_backend.parse.pdf_outline import add_pages
from workbench.errors import DocumentError
from workbench.values import ParsedDocument

_PAGE_POINTS = 842
"""The picture is taken to be as high or as wide as a sheet of A4."""


def parse_image(data: bytes, name: str) -> ParsedDocument:
    """Recognise the text of a picture, which counts as one page."""
    from PIL import Image, ImageOps

    too_large = DocumentError(
        f"{name} has more than {MAX_IMAGE_PIXELS // 1_000_000} megapixels, which is the limit: "
        "make it smaller and add that."
    )
    with warnings.catch_warnings():
        # The limit is checked here.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            picture: Image.Image = Image.open(io.BytesIO(data), formats=("PNG", "JPEG"))
        except Image.DecompressionBombError as error:
            raise too_large from error
    if picture.width * picture.height > MAX_IMAGE_PIXELS:
        raise too_large
    # A JPEG can be decoded at a fraction of its size.
    picture.draft("RGB", (MAX_SIDE_PIXELS, MAX_SIDE_PIXELS))
    picture = ImageOps.exif_transpose(picture)
    if picture.has_transparency_data:
        # What can be seen through is paper.
        above = picture.convert("RGBA")
        picture = Image.new("RGB", above.size, "white")
        picture.paste(above, mask=above)
    else:
        picture = picture.convert("RGB")
    picture.thumbnail((MAX_SIDE_PIXELS, MAX_SIDE_PIXELS))
    lines = recognised(picture, 1, _PAGE_POINTS / max(picture.size))
    if not lines:
        raise DocumentError(f"{name} is a picture in which no text was found: add one with text.")
    outline = Outline(name)
    add_pages(outline, with_even_sizes([lines]))
    return ParsedDocument(outline.blocks(), pages=1, scanned=1)
