"""The one Gradio component of a page: a static skeleton whose script talks to the REST routes.

Its value is a small reference; bulk data and edits never pass through Gradio, and no user text ever
enters a template.
"""

from typing import Any

import gradio as gr

_SCRIPT = """
const page = "{name}", wait = () => window.Studio?.pages?.[page]
  ? window.Studio.start(page, element.querySelector('.st-page')) : setTimeout(wait, 20);
wait();
"""


class PageView(gr.HTML):
    """A page drawn by `/static/<name>.js`, after the scripts it needs."""

    def __init__(
        self, value: Any = None, *, name: str = "", scripts: tuple[str, ...] = (), **kwargs: Any
    ) -> None:
        files = ("/static/studio.js", *scripts, f"/static/{name}.js")
        kwargs |= {
            "html_template": f'<div class="st-page st-{name}" id="{name}"></div>',
            "js_on_load": _SCRIPT.replace("{name}", name),
            "head": "".join(f'<script src="{file}"></script>' for file in files),
            "apply_default_css": False,
        }
        super().__init__(value=value, name=name, scripts=scripts, **kwargs)

    def api_info(self) -> dict[str, Any]:
        """Describe the value."""
        return {"type": "object"}
