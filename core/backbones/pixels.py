"""A decoded frame becomes a backbone's input: the one function for pre-training and for use."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def letterbox(frame: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Shrink a picture into `width` x `height`, keeping its shape, black at the sides.

    Args:
        frame: RGB uint8 [h, w, 3], already rotated as it is shown.
        width: Width of the result.
        height: Height of the result.

    Returns:
        RGB uint8 [height, width, 3].
    """
    h, w = frame.shape[:2]
    factor = min(width / w, height / h)
    size = max(1, round(w * factor)), max(1, round(h * factor))
    small = Image.fromarray(frame).resize(
        size, Image.Resampling.BOX if factor < 1 else Image.Resampling.BILINEAR
    )
    if size == (width, height):
        return np.asarray(small)
    canvas = np.zeros((height, width, 3), np.uint8)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    canvas[top : top + size[1], left : left + size[0]] = np.asarray(small)
    return canvas
