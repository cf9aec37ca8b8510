"""One file a page, each with one `build()`: name, path, module. The first is at `/`."""

from app.pages import analyse, annotate, compare, library, train

PAGES = (
    ("Library", "", library),
    ("Annotate", "annotate", annotate),
    ("Train", "train", train),
    ("Compare", "compare", compare),
    ("Analyse", "analyse", analyse),
)
