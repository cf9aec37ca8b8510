"""A run as files that need nothing of ours: a merged Hugging Face model, or a PEFT adapter.

Connector, heads and learned tokens lie beside it as `heads.safetensors`, and `labels.json` says how
they are used; `README.md` is the model card.
"""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any, Literal

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from core.backbones.decoders import TextDecoder
from core.backbones.weights import load_pretrained
from core.errors import Conflict, InvalidData, StudioError
from core.model_card import Figure, write_card
from core.run_folder import Run, load_run

Form = Literal["merged", "adapter"]

_CLOSE = 1e-3  # of the largest logit, in single precision
_COPIED = ("heads.safetensors",)


def export_run(
    folder: Path,
    to: Path,
    form: Form,
    *,
    name: str = "",
    data_hash: str = "",
    figures: tuple[Figure, ...] = (),
) -> dict[str, Any]:
    """Write a run to a new folder, whole or not at all.

    A merged model is read back, by transformers alone, and must give the unmerged one's logits.

    Args:
        folder: The run.
        to: Becomes the export; empty or not there yet.
        form: The decoder with the adapter in its weights, or the adapter alone.
        name: What the run is called.
        data_hash: Of what it was trained on, where it is known.
        figures: What was measured of it.

    Returns:
        `folder`, `form`, and of a merged model `difference`, the largest of a logit.

    Raises:
        Conflict: `to` holds something.
        InvalidData: The decoder is of a type that transformers has no causal LM for, or the merged
            model answers otherwise.
        StudioError: The folder is no run, or `to` cannot be written.
    """
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise Conflict("An export needs a new or an empty folder", f"'{to}'", "Name another.")
    run = load_run(folder)
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".export-", dir=to.parent) as made:
            whole = Path(made) / "export"
            whole.mkdir()
            labels = _labels(run)
            (whole / "labels.json").write_text(json.dumps(labels, indent=1) + "\n")
            for file in _COPIED:
                shutil.copyfile(folder / file, whole / file)
            found: dict[str, Any] = {"folder": str(to), "form": form}
            if form == "merged":
                found["difference"] = _merge(run, whole)
            else:
                shutil.copytree(folder / "adapter", whole, dirs_exist_ok=True)
            write_card(whole, run, labels, form, name or folder.name, data_hash, figures)
            if to.exists():
                to.rmdir()
            whole.replace(to)
    except OSError as error:
        raise StudioError(
            "The export could not be written", f"'{to}' ({error.strerror or error})",
            "Free some space, or name another folder.",
        ) from error  # fmt: skip
    return found


@torch.inference_mode()
def _merge(run: Run, to: Path) -> float:
    """Write the merged decoder with its tokenizer; returns how far its logits are from before."""
    backbone = run.classifier.backbone
    decoder = backbone.decoder
    assert isinstance(decoder, PeftModel)
    if isinstance(backbone.causal, TextDecoder):
        raise InvalidData(
            "Only a decoder that transformers has as a causal LM can be merged",
            f"'{backbone.text_config.model_type}' is a part of a larger model only",
            "Export the adapter: --adapter.",
        )
    ids = torch.arange(2, 34, device=decoder.device).remainder(backbone.vocabulary)[None]
    before = decoder(input_ids=ids, use_cache=False).logits.cpu()
    merged: Any = decoder.merge_and_unload(safe_merge=True)
    merged.save_pretrained(to)
    backbone.tokenizer.save_pretrained(to)
    after = load_pretrained(AutoModelForCausalLM, to).eval()(input_ids=ids.cpu()).logits
    difference = float((after - before).abs().max())
    if not difference <= _CLOSE * float(before.abs().max()):
        raise InvalidData(
            "A merged model must answer as the run does",
            f"a logit differs by {difference:.3g}",
            "Please report this; the adapter can be exported meanwhile: --adapter.",
        )
    return difference


def _labels(run: Run) -> dict[str, Any]:
    """Return what decides how the decoder and the heads are asked."""
    classifier, card = run.classifier, run.classifier.backbone.card
    return {
        "outputs": list(classifier.classes),
        "questions": [
            {"name": name, "first": among.start, "last": among.stop, "token": 2 * kind}
            for kind, (name, among) in enumerate(
                zip(run.task.kinds, run.task.choices(run.labels), strict=True)
            )
        ],
        "start_token": classifier.backbone.start,
        "frames_per_second": run.recipe.rate,
        "window_frames": run.recipe.window,
        "tokens_per_frame": card.tokens_per_frame,
        "feature_width": card.feature_width,
        "classes": list(run.labels.classes),
        "goals": list(run.labels.goals),
    }
