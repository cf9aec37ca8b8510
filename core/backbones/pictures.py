"""Frames for frozen encoders: prepared as the checkpoint's processor does, pooled to k tokens."""

from math import isqrt
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from core.errors import InvalidConfig


class Pictures:
    """Turns frames into a model's pixel inputs, with the scale and mean of its image processor.

    Frames are stretched to the encoder's size, as most checkpoints do: nothing at the sides is
    lost, and no token is spent on a black border. A frame is one tile.

    Args:
        processor: The checkpoint's own; without one, values become -1 .. 1.
        size: Width and height of the encoder's pictures.
        in_patches: Whether the model takes lists of patches, which only the processor can cut.
    """

    def __init__(self, processor: Any, size: tuple[int, int], *, in_patches: bool = False) -> None:
        self.processor, self.in_patches = processor, in_patches
        self.width, self.height = size
        said = vars(processor) if processor is not None else {}
        scaled, centred = said.get("do_rescale", True), said.get("do_normalize", True)
        self.scale = float(said.get("rescale_factor", 1 / 255)) if scaled else 1.0
        self.mean = tuple(said.get("image_mean") or (0.5,) * 3) if centred else (0.0,) * 3
        self.std = tuple(said.get("image_std") or (0.5,) * 3) if centred else (1.0,) * 3

    def prepare(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Stretch an RGB frame [h, w, 3] to the encoder's size."""
        size, shrunk = (self.width, self.height), frame.shape[1] > self.width
        how = Image.Resampling.BOX if shrunk else Image.Resampling.BICUBIC
        return np.array(Image.fromarray(frame).resize(size, how))

    def __call__(self, pictures: Tensor) -> dict[str, Tensor]:
        """Make the model's inputs of uint8 [B, h, w, 3], on the same device."""
        if self.in_patches:
            frames = [Image.fromarray(frame) for frame in pictures.cpu().numpy()]
            inputs = self.processor(images=frames, do_resize=False, return_tensors="pt")
            return {name: torch.as_tensor(t).to(pictures.device) for name, t in inputs.items()}
        mean, std = (torch.tensor(v, device=pictures.device) for v in (self.mean, self.std))
        pixels = (pictures.float() * self.scale - mean) / std
        return {"pixel_values": pixels.permute(0, 3, 1, 2)}


def own_size(processor: Any, config: Any) -> tuple[int, int] | None:
    """Return width and height of the pictures that an encoder was trained on, None if free."""
    said = getattr(config, "image_size", None)
    if isinstance(said, int):
        return said, said
    if isinstance(said, (list, tuple)) and said:
        return int(said[-1]), int(said[0])
    for name in ("crop_size", "size"):
        size: Any = getattr(processor, name, None) or {}
        if "height" in size and "width" in size:
            return int(size["width"]), int(size["height"])
        if "shortest_edge" in size and "longest_edge" not in size:
            return int(size["shortest_edge"]), int(size["shortest_edge"])
    return None


def cells(k: int) -> tuple[int, int]:
    """Return rows and columns of k cells, as square as k allows, never higher than wide."""
    rows = next(r for r in range(isqrt(k), 0, -1) if k % r == 0)
    return rows, k // rows


def pool_map(maps: Tensor, k: int) -> Tensor:
    """Average a map into k cells. [B, C, h, w] -> [B, k, C].

    Raises:
        InvalidConfig: The map has fewer cells than that.
    """
    rows, columns = cells(k)
    if rows > maps.shape[2] or columns > maps.shape[3]:
        raise InvalidConfig(
            f"'tokens_per_frame' must fit the encoder's map of {maps.shape[2]} x {maps.shape[3]}",
            f"{k} are {rows} x {columns} cells", "Take fewer.",
        )  # fmt: skip
    return F.adaptive_avg_pool2d(maps, (rows, columns)).flatten(2).transpose(1, 2)


def pool_tokens(tokens: Tensor, k: int, grid: tuple[int, int] | None = None) -> Tensor:
    """Average patch tokens into k cells; tokens in front of the patches (CLS, registers) are left.

    Args:
        tokens: [B, T, C], the patches last, row by row.
        k: Tokens to keep.
        grid: Rows and columns of patches; the largest square where it is not known.

    Returns:
        [B, k, C].
    """
    rows, columns = grid or (isqrt(tokens.shape[1]),) * 2
    maps = tokens[:, tokens.shape[1] - rows * columns :].transpose(1, 2)
    return pool_map(maps.unflatten(2, (rows, columns)), k)
