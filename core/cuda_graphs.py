"""A step of fixed shapes as one CUDA graph: launched once, instead of a few hundred kernels."""

from collections.abc import Callable

import torch
from torch import Tensor

_WARM_UPS = 3  # as torch's documentation asks for before a capture


class CapturedStep:
    """A function of tensors, recorded at the first call and replayed afterwards.

    The function must not wait for the device, and every call must have the shapes of the first.
    What it writes beside its result (a cache) must be written in place.
    """

    def __init__(self, step: Callable[..., Tensor]) -> None:
        self._step = step
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, *inputs: Tensor) -> Tensor:
        """Run the step. The result is the caller's own."""
        graph = self._graph = self._graph or self._recorded(inputs)
        for own, given in zip(self._inputs, inputs, strict=True):
            own.copy_(given)
        graph.replay()
        return self._output.clone()

    def _recorded(self, inputs: tuple[Tensor, ...]) -> torch.cuda.CUDAGraph:
        self._inputs = [given.clone() for given in inputs]
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(_WARM_UPS):
                self._step(*self._inputs)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._output = self._step(*self._inputs)
        return graph
