"""A pre-training's resumable state in one safetensors file: model, optimiser, how far it came."""

from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn


def save_state(path: Path, model: nn.Module, optimiser: torch.optim.Optimizer, done: int) -> None:
    """Write the state beside and rename it, so that a stopped write leaves the earlier one."""
    tensors = {f"model.{k}": v.contiguous() for k, v in model.state_dict().items()}
    for i, state in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{i}.{k}": torch.as_tensor(v).contiguous() for k, v in state.items()}
    beside = path.with_suffix(".tmp")
    save_file(tensors, beside, metadata={"done": str(done)})
    beside.replace(path)


def load_state(path: Path, model: nn.Module, optimiser: torch.optim.Optimizer) -> int:
    """Read the state and return how far it came."""
    tensors = load_file(path)
    model.load_state_dict({k[6:]: v for k, v in tensors.items() if k.startswith("model.")})
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("optimiser."):
            _, number, name = key.split(".", 2)
            state.setdefault(int(number), {})[name] = value
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": state, "param_groups": groups})
    with safe_open(path, "pt") as file:
        return int(file.metadata()["done"])
