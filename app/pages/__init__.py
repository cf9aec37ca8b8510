"""One file a page, each with one `build()`: name, path, module. The first is at `/`."""

from app.pages import compare, library, train

PAGES = (
    ("Library", "", library),
    ("Train", "train", train),
    ("Compare", "compare", compare),
)
