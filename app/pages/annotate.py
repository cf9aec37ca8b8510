"""Annotate: the player, the timeline of segments, and what a model proposes."""

from app.widgets.page_view import PageView

_PARTS = (
    "player", "axis", "timeline", "timeline_pointer", "keys", "editor", "editor_snapping",
    "editor_proposals", "annotate_saving", "annotate_document", "annotate_panels", "annotate_help",
)  # fmt: skip


def build() -> None:
    """Build the page; its script asks the routes for everything it shows."""
    PageView(name="annotate", scripts=tuple(f"/static/{part}.js" for part in _PARTS))
