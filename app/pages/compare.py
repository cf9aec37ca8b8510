"""Compare: the video, and what every run says at each of its frames."""

from app.widgets.page_view import PageView


def build() -> None:
    """Build the page; its script asks the routes for everything it shows."""
    parts = (
        "svg_pen", "figure_files", "player", "axis", "lanes", "moments", "branches", "inspector",
    )  # fmt: skip
    PageView(name="compare", scripts=tuple(f"/static/{part}.js" for part in parts))
