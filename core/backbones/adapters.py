"""LoRA on a decoder: which layers it adapts, and how it is merged into them and taken out again.

A merged weight W + s·BA is a new tensor in the place of W; the base's own tensor is kept as it is
and put back. So a base stays itself, bit for bit, after any number of merges (subtracting s·BA
would leave rounding behind), and several adapters can take turns on one base. A tied output matrix
is untied by the exchange, and tied again when the base's own returns.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from core.errors import InvalidData

LINEAR_LAYERS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""The seven linear layers of a Llama block that LoRA adapts; other blocks have their own."""


class MergedWeight(nn.Parameter):
    """W + s·BA in the place of W; its type says that an adapter is merged there."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """LoRA as plain tensors: A [r, in] and B [out, r] by the path of their layer, and s."""

    matrices: Mapping[str, tuple[Tensor, Tensor]]
    scale: float

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor], layers: Iterable[str], scale: float) -> "Adapter":
        """Make an adapter of what a file of peft holds for layers of these paths."""
        named = {path: _peft_names(path) for path in layers}
        return cls({path: (tensors[a], tensors[b]) for path, (a, b) in named.items()}, scale)


def linear_layers(decoder: PreTrainedModel) -> list[str]:
    """Return the names of the linear layers in a decoder's blocks: Llama's seven, or its own."""
    count = decoder.config.get_text_config().num_hidden_layers
    lists = [m for m in decoder.modules() if isinstance(m, nn.ModuleList) and len(m) == count]
    names = {
        name.rpartition(".")[2]
        for blocks in lists
        for name, module in blocks.named_modules()
        if isinstance(module, nn.Linear)
    }
    return list(LINEAR_LAYERS) if names.issuperset(LINEAR_LAYERS) else sorted(names)


def adapted_layers(decoder: PreTrainedModel, *, output: bool) -> dict[str, nn.Linear]:
    """Return the layers that LoRA adapts by their path: those of the blocks, and the output matrix.

    Args:
        decoder: Without an adapter.
        output: Whether the output matrix is one of them.
    """
    head, names = decoder.get_output_embeddings(), set(linear_layers(decoder))
    return {
        path: module
        for path, module in decoder.named_modules()
        if isinstance(module, nn.Linear)
        and (path.rpartition(".")[2] in names or (output and module is head))
    }


def adapter_tensors(layers: Mapping[str, nn.Linear], rank: int) -> dict[str, Tensor]:
    """Return what a file of peft holds for layers and a rank: names, and tensors without data."""
    expected = {}
    for path, layer in layers.items():
        a, b = _peft_names(path)
        expected[a] = torch.empty(rank, layer.in_features, device="meta")
        expected[b] = torch.empty(layer.out_features, rank, device="meta")
    return expected


def _peft_names(path: str) -> tuple[str, str]:
    return f"base_model.model.{path}.lora_A.weight", f"base_model.model.{path}.lora_B.weight"


@torch.no_grad()
def merge(decoder: nn.Module, adapter: Adapter) -> dict[str, nn.Parameter]:
    """Put W + s·BA in the place of every adapted W; returns the W's by path, for `unmerge`.

    The sum is taken in single precision at least and rounded once.

    Raises:
        AssertionError: An adapter is merged there already.
        InvalidData: A sum is not finite; the decoder is as it was.
    """
    own = {path: _weight(decoder, path) for path in adapter.matrices}
    assert not any(isinstance(weight, MergedWeight) for weight in own.values()), (
        "an adapter is merged already"
    )
    sums = {
        path: _sum(weight, *adapter.matrices[path], adapter.scale) for path, weight in own.items()
    }
    finite = torch.stack([whole.isfinite().all() for whole in sums.values()])
    if not finite.all():
        broken = list(sums)[int(finite.int().argmin())]
        raise InvalidData(
            "A merged weight must be finite", f"that of '{broken}' is not",
            "The adapter is damaged, or too large for the base's number type: train it again.",
        )  # fmt: skip
    for path, whole in sums.items():
        decoder.get_submodule(path).weight = MergedWeight(whole, requires_grad=False)
    return own


def unmerge(decoder: nn.Module, own: Mapping[str, nn.Parameter]) -> None:
    """Put the base's own weights back, as `merge` returned them."""
    for path, weight in own.items():
        decoder.get_submodule(path).weight = weight


@contextmanager
def merged(decoder: nn.Module, adapter: Adapter) -> Iterator[None]:
    """Have an adapter merged inside a `with`; meanwhile the adapted weights are in memory twice."""
    own = merge(decoder, adapter)
    try:
        yield
    finally:
        unmerge(decoder, own)


def _weight(decoder: nn.Module, path: str) -> nn.Parameter:
    weight = decoder.get_submodule(path).weight
    assert isinstance(weight, nn.Parameter)
    return weight


def _sum(weight: Tensor, a: Tensor, b: Tensor, scale: float) -> Tensor:
    wide = torch.promote_types(weight.dtype, torch.float32)
    whole = torch.addmm(weight.to(wide), b.to(wide), a.to(wide), alpha=scale)
    return whole.to(weight.dtype)
