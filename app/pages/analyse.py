"""Analyse: why runs differ, in panels that share chosen runs, a split and a clip player."""

from app.widgets.page_view import PageView

_PARTS = (
    "svg_pen",
    "figure_files",
    "player",
    "scatter",
    "analyse_out",
    "analyse_relabel",
    "analyse_neighbours",
    "analyse_map",
    "analyse_figures",
    "analyse_heatmap",
    "analyse_confusion",
    "analyse_errors",
    "analyse_labels",
    "analyse_runs",
    "analyse_two_runs",
)


def build() -> None:
    """Build the page; its script asks the routes for everything it shows."""
    scripts = ("/vendor/plotly.min.js", *(f"/static/{part}.js" for part in _PARTS))
    PageView(name="analyse", scripts=scripts)
