"""Train: one click starts a fine-tune; queue, live curves, what came out."""

from app.widgets.page_view import PageView

_PARTS = ("train_meter", "train_form", "train_detail")


def build() -> None:
    """Build the page; its script asks the routes for everything it shows."""
    scripts = ("/vendor/plotly.min.js", *(f"/static/{part}.js" for part in _PARTS))
    PageView(name="train", scripts=scripts)
