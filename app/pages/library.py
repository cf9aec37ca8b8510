"""Library: the table of videos, adding folders, importing annotations, splits."""

from app.widgets.page_view import PageView


def build() -> None:
    """Build the page; its script asks the routes for everything it shows."""
    PageView(name="library")
