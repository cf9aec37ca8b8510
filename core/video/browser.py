"""Does a browser play the file as it is?

Measured in Chromium 14x and narrowed to what Firefox and Safari play too: H.264 beyond 8-bit 4:2:0
and Matroska would play in Chromium alone.
"""

_FAMILIES = {
    "mp4": {"h264", "vp9", "av1"},
    "mov": {"h264", "vp9", "av1"},
    "webm": {"vp8", "vp9", "av1"},
}
_EIGHT_BIT = {"yuv420p", "yuvj420p"}
_TEN_BIT = {"yuv420p10le"}
_PIXELS = {
    "h264": _EIGHT_BIT,
    "vp8": _EIGHT_BIT,
    "vp9": _EIGHT_BIT | _TEN_BIT,
    "av1": _EIGHT_BIT | _TEN_BIT,
}


def why_not_playable(container: str, codec: str, pixel_format: str) -> str:
    """Return why a browser needs a proxy, as a sentence; empty if it does not."""
    if container not in _FAMILIES:
        return f"Browsers do not open {container} files."
    if codec not in _FAMILIES[container]:
        return f"Browsers do not play {codec} in {container} files."
    if pixel_format not in _PIXELS[codec]:
        return f"Not every browser plays {codec} with {pixel_format} pixels."
    return ""
