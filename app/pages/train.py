"""Train: one click starts a fine-tune; queue, live curves, what came out."""

from app.widgets.page_view import PageView


def build() -> None:
    """Build the page; its script asks the routes for everything it shows."""
    PageView(name="train", scripts=("/vendor/plotly.min.js",))
