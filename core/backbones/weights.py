"""Models from disk, strictly: safetensors, no remote code, every tensor there and fitting."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from math import prod
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from platformdirs import user_cache_path
from safetensors import SafetensorError
from transformers import AutoConfig, AutoImageProcessor, AutoTokenizer

from core.errors import InvalidFile, MissingArtifact

_WORTH_REMEMBERING = 64_000_000
"""Bytes above which the hash of a folder is kept for the next time."""
_FAULTS = ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs")
_COMPUTED = (".position_ids", ".inv_freq")
"""Buffers that older checkpoints hold and that are computed now."""
_PROCESSORS = ("preprocessor_config.json", "processor_config.json")
_VISION = ("vision", "visual", "image_", "projector", "connector")
"""Parts of the names of tensors that are no decoder's."""


def check_weights(folder: Path) -> None:
    """Refuse a folder that does not hold a whole model.

    Raises:
        MissingArtifact: No folder, no config, pickled weights only, or a part is not there.
        InvalidFile: It is an adapter, its config is damaged or names code on the Hub, or something
            else stands in the place of weights.
    """
    if not (folder / "config.json").is_file():
        raise MissingArtifact(
            "A model is a Hugging Face folder with config.json",
            f"'{folder}' has none",
            "Correct the path, or fetch the model again.",
        )
    if (folder / "adapter_config.json").is_file():
        raise InvalidFile(
            "A base must be a whole model, but this folder holds an adapter", folder,
            next_step="Merge it into its own base and save that (peft: merge_and_unload).",
        )  # fmt: skip
    if not list(folder.glob("*.safetensors")):
        pickled = [p.name for p in sorted(folder.iterdir()) if p.suffix in (".bin", ".pt", ".pth")]
        raise MissingArtifact(
            "Weights are read from safetensors only",
            f"'{folder}' holds none"
            + (f", but {pickled[0]}, which may run code" if pickled else ""),
            "Take a revision of it that has safetensors, or convert it: load it where you trust "
            "it and save_pretrained.",
        )
    _check_config(folder / "config.json")
    for path in folder.glob("*.safetensors"):
        check_is_tensors(path)
    for index in folder.glob("*.safetensors.index.json"):
        parts = set(json.loads(index.read_text())["weight_map"].values())
        if gone := sorted(part for part in parts if not (folder / part).is_file()):
            raise MissingArtifact(
                "A model must have all its parts", f"'{folder / gone[0]}' is missing",
                "Fetch it again; 'hf download' goes on where it was interrupted.",
            )  # fmt: skip


def check_is_tensors(path: Path) -> None:
    """Refuse what is often found in the place of a file of tensors.

    Raises:
        InvalidFile: It is empty, a Git LFS pointer or a web page.
    """
    with path.open("rb") as file:
        head = file.read(64)
    if not head:
        raise InvalidFile("Weights must be there, but the file is empty", path,
                          next_step="Fetch it again.")  # fmt: skip
    if head.startswith(b"version https://git-lfs"):
        raise InvalidFile(
            "Weights must be there themselves, but this is a Git LFS pointer to them", path,
            next_step="Run 'git lfs pull' in its folder, or download the file again.",
        )  # fmt: skip
    if head.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise InvalidFile(
            "Weights must be there themselves, but this is a web page", path,
            next_step="Download it again; a login or an error page was saved in its place.",
        )  # fmt: skip


def _check_config(path: Path) -> None:
    try:
        config = json.loads(path.read_text())
        named = [name for name in _implementations(config) if "/" in name]
    except (ValueError, AttributeError) as error:
        raise InvalidFile(f"config.json must hold a JSON object ({error})", path) from None
    if named:  # transformers would fetch compiled code by that name
        raise InvalidFile(
            f"A model must run on the code of transformers alone, but it names '{named[0]}'", path,
            next_step="Remove that entry from config.json.",
        )  # fmt: skip


def _implementations(config: Mapping[str, Any]) -> list[str]:
    own = [str(v) for k, v in config.items() if k.endswith("_implementation")]
    inner = [each for v in config.values() if isinstance(v, dict) for each in _implementations(v)]
    return own + inner


def load_config(folder: Path) -> Any:
    """Read a model's config.

    Raises:
        InvalidFile: transformers does not know the type, or it brings code of its own.
    """
    try:
        return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (ValueError, OSError) as error:
        raise _unknown(error, folder) from None


def _unknown(error: Exception, folder: Path) -> InvalidFile:
    said = str(error).strip().split("\n")[0]
    return InvalidFile(
        f"The installed transformers must be able to build the model by itself ({said})",
        folder,
        next_step="Take a checkpoint without remote code, or update transformers.",
    )


def load_pretrained(kind: Any, folder: Path, *, unused: Sequence[str] = ()) -> Any:
    """Load a Hugging Face folder as `kind`, in single precision.

    Args:
        kind: An auto class.
        folder: The checkpoint.
        unused: Top-level modules that may be missing or left over, for nothing of them is used.

    Raises:
        MissingArtifact: As `check_weights`.
        InvalidFile: A tensor is missing, left over, damaged or of another shape; or the folder
            needs code of its own.
    """
    check_weights(folder)
    try:
        model, info = kind.from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are reported, and refused below
        )
    except SafetensorError as error:
        raise InvalidFile(f"Weights must be whole safetensors ({error})", folder) from None
    except (ValueError, ImportError, OSError) as error:
        # Unknown type, remote code, a missing optional package: transformers says which.
        raise _unknown(error, folder) from None
    found = {what: sorted(map(str, info.get(what, ()))) for what in _FAULTS}
    wrong = {
        what: kept[:4]
        for what, keys in found.items()
        if (kept := [k for k in keys if not _harmless(k, unused)])
    }
    if wrong:
        raise InvalidFile(
            f"Every weight must be there and fit, but there are {wrong}", folder,
            next_step="Download or export the checkpoint again.",
        )  # fmt: skip
    return model


def _harmless(key: str, unused: Sequence[str]) -> bool:
    return key.endswith(_COMPUTED) or key.partition(".")[0] in unused


def load_tokenizer(folder: Path) -> Any:
    """Load the tokenizer beside a decoder.

    Raises:
        InvalidFile: There is none that can be read, or it has no token that ends a text.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    except (ValueError, ImportError, OSError, KeyError) as error:
        said = str(error).strip().split("\n")[0]
        raise InvalidFile(f"A decoder needs its tokenizer beside it ({said})", folder) from None
    if tokenizer.eos_token_id is None:
        raise InvalidFile(
            "A tokenizer must have a token that ends a text, but this has none", folder,
            next_step="Set eos_token in its tokenizer_config.json.",
        )  # fmt: skip
    return tokenizer


def load_processor(folder: Path) -> Any:
    """Load the image processor of a folder, None where it has none.

    One that transformers has for torchvision only comes as its settings alone, which is enough
    where pictures need no cutting.
    """
    path = next((p for n in _PROCESSORS if (p := folder / n).is_file()), None)
    if path is None:
        return None
    try:
        return AutoImageProcessor.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    except (ValueError, ImportError, OSError, KeyError):
        settings = json.loads(path.read_text())
        return SimpleNamespace(**settings.get("image_processor", settings))


def count_parameters(folder: Path, *, decoder_only: bool = False) -> int:
    """Count the numbers in a folder's weights, by their headers alone."""
    total = 0
    for path in folder.glob("*.safetensors"):
        with path.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        for name, tensor in header.items():
            if name != "__metadata__" and not (decoder_only and any(v in name for v in _VISION)):
                total += prod(tensor["shape"])
    return total


def weights_of(folder: Path, name: str = "") -> dict[str, Path]:
    """Return the weight files below a folder by their name in a backbone."""
    return {
        f"{name}{path.relative_to(folder).as_posix()}": path
        for path in folder.rglob("*.safetensors")
    }


def revision(files: Mapping[str, Path], said: Iterable[str] = ()) -> str:
    """Hash weight files, and what else decides the features; large ones are read once only.

    A file with the same path, size and time of change is taken to be the same.
    """
    stats = [(name, path.resolve(), path.stat()) for name, path in sorted(files.items())]
    key = hashlib.sha256(
        repr([(n, str(p), s.st_size, s.st_mtime_ns) for n, p, s in stats]).encode()
    ).hexdigest()
    large = sum(s.st_size for _, _, s in stats) > _WORTH_REMEMBERING
    note = user_cache_path("gad-studio") / "hashes" / key
    if large and note.is_file():
        digest = note.read_text()
    else:
        digest = _hash(files)
        if large:
            note.parent.mkdir(parents=True, exist_ok=True)
            note.write_text(digest)
    more = "".join(said)
    return (hashlib.sha256((digest + more).encode()).hexdigest() if more else digest)[:16]


def _hash(files: Mapping[str, Path]) -> str:
    digest = hashlib.sha256()
    for name, path in sorted(files.items()):
        digest.update(name.encode())
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()
