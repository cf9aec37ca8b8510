"""Library: the table of videos, adding folders, annotations in and out, labels, splits."""

from app.widgets.page_view import PageView

_PARTS = ("keys", "library_import", "library_export", "library_labels")


def build() -> None:
    """Build the page; its script asks the routes for everything it shows."""
    PageView(name="library", scripts=tuple(f"/static/{part}.js" for part in _PARTS))
