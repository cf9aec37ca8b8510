"""How Gradio's own surfaces look, and what every page loads first."""

from gradio import themes

HEAD = '<link rel="stylesheet" href="/static/studio.css">'


def theme() -> themes.Base:
    """Return a quiet theme with the system's own fonts: nothing is fetched."""
    fonts = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]
    return themes.Base(
        neutral_hue="zinc", text_size="sm", font=fonts, font_mono=["ui-monospace", "monospace"]
    ).set(block_shadow="none", body_background_fill="transparent")
