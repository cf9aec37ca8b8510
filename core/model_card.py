"""The README.md of an exported run: what it is and how it is used; nothing that is not known."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.backbones import BACKBONES, find
from core.backbones.base import Connector, ResidualConnector
from core.classifiers.discriminative import DiscriminativeClassifier
from core.run_folder import Run

_LOAD_MERGED = """\
from transformers import AutoModelForCausalLM, AutoTokenizer

folder = "."  # this folder
model = AutoModelForCausalLM.from_pretrained(folder, dtype="float32").eval()
tokenizer = AutoTokenizer.from_pretrained(folder)
"""

_LOAD_ADAPTER = """\
from peft import PeftModel
from transformers import AutoModelForCausalLM

folder = "."  # this folder
base = "{base}"  # the Hugging Face folder of the base's decoder
decoder = AutoModelForCausalLM.from_pretrained(base, dtype="float32")
model = PeftModel.from_pretrained(decoder, folder).eval()
"""

_LOAD_ADAPTER_OF_PART = """\
from peft import PeftModel
from core.backbones import load_backbone  # of GAD Studio: it takes the decoder out of the base

folder = "."  # this folder
base = "{base}"  # its name, or the path of its folder
model = PeftModel.from_pretrained(load_backbone(base).decoder, folder).eval()
"""

_HEADS = """\
import json, torch
from pathlib import Path
from safetensors.torch import load_file
from torch.nn.functional import gelu, linear

w = {name: each.float() for name, each in load_file(f"{folder}/heads.safetensors").items()}
about = json.loads(Path(folder, "labels.json").read_text())
start = model.get_input_embeddings()(torch.tensor([about["start_token"]]))

def seen(features):  # [T, k, d], the newest frame last -> [1 + T * k, H]
    x = features.flatten(0, 1)
    y = gelu(linear(x, w["connector.0.weight"], w["connector.0.bias"]))
    y = linear(y, w["connector.2.weight"], w["connector.2.bias"])
    return torch.cat([start, y])
"""

_HEAD = """
def probabilities(features, question=about["questions"][0]):
    asked = w["tokens.weight"][question["token"]][None]  # [CLS]
    tokens = torch.cat([seen(features), asked])[None]
    hidden = model.get_decoder()(inputs_embeds=tokens).last_hidden_state[0, -1]
    among = slice(question["first"], question["last"])
    return linear(hidden, w["head.weight"], w["head.bias"])[among].softmax(-1)
"""

_TEXT = """
def written(features, question=about["questions"][0]):
    asked = w["tokens.weight"][question["token"] + 1][None]  # [TEXT]
    tokens = torch.cat([seen(features), asked])[None]
    found = model.generate(inputs_embeds=tokens, max_new_tokens=24, do_sample=False)
    return tokenizer.decode(found[0], skip_special_tokens=True).strip()
"""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a run on a split, with its interval where there is one."""

    split: str
    name: str
    value: float
    low: float | None
    high: float | None
    count: int | None


def write_card(
    folder: Path,
    run: Run,
    labels: dict[str, Any],
    form: str,
    name: str,
    data_hash: str,
    figures: tuple[Figure, ...],
) -> None:
    """Write `README.md` into an export."""
    parts = [
        _front(run, form),
        f"# {name}\n\n{_what(run, form)}",
        _facts(run, labels, data_hash),
        _figures(figures),
        f"## Load it\n\n```python\n{_loading(run, form)}```",
        _use(run, labels, form),
        "## Labels\n\n" + "\n".join(f"- {each}" for each in labels["outputs"]),
    ]
    (folder / "README.md").write_text("\n\n".join(part for part in parts if part) + "\n")


def _front(run: Run, form: str) -> str:
    entry = BACKBONES.get(run.config.backbone)
    lines = [f"library_name: {'transformers' if form == 'merged' else 'peft'}"]
    if entry and entry.hub:
        lines.append(f"base_model: {entry.hub}")
    return "---\n" + "\n".join([*lines, "tags:", "- video", "- action-recognition"]) + "\n---"


def _what(run: Run, form: str) -> str:
    holds = "the decoder with its LoRA merged in" if form == "merged" else "the LoRA of a decoder"
    return (
        f"A {run.config.classifier} classifier of {run.task.name.replace('_', ' ')} in video, "
        f"fine-tuned with GAD Studio: {holds}, and beside it connector, heads and learned tokens."
    )


def _facts(run: Run, labels: dict[str, Any], data_hash: str) -> str:
    card, about = run.classifier.backbone.card, run.about
    known = {
        "Base": f"{card.name}, weights {card.revision}",
        "Licence of the base": card.licence,
        "Data": f"{data_hash} (hash of videos and labels)" if data_hash else "no hash is recorded",
        "Frames a second": f"{labels['frames_per_second']:g}",
        "Window": f"{labels['window_frames']} frames of {labels['tokens_per_frame']} tokens",
        "LoRA": f"rank {run.recipe.rank}, alpha {run.recipe.alpha}",
        "Steps": about.get("steps"),
        "Seed": run.config.training.seed,
        "Versions": ", ".join(f"{k} {v}" for k, v in about.get("versions", {}).items() if v),
    }
    rows = [f"| {key} | {value} |" for key, value in known.items() if value not in (None, "")]
    return "\n".join(["| | |", "|---|---|", *rows])


def _figures(figures: tuple[Figure, ...]) -> str:
    if not figures:
        return "## Figures\n\nNone are recorded with this run."
    rows = [
        f"| {f.split} | {f.name} | {f.value:.1f} | {_interval(f)} | {f.count or '–'} |"
        for f in figures
    ]
    head = ["| split | figure | value | 95 % interval | cases |", "|---|---|---|---|---|"]
    return "\n".join(["## Figures", "", *head, *rows])


def _interval(figure: Figure) -> str:
    if figure.low is None or figure.high is None:
        return "–"
    return f"{figure.low:.1f} to {figure.high:.1f}"


def _loading(run: Run, form: str) -> str:
    if form == "merged":
        return _LOAD_MERGED
    is_part = find(run.config.backbone).kind == "vision_language"
    lines = _LOAD_ADAPTER_OF_PART if is_part else _LOAD_ADAPTER
    return lines.replace("{base}", run.classifier.backbone.card.name)


def _use(run: Run, labels: dict[str, Any], form: str) -> str:
    """Say what the files hold, and how they are asked where that is short."""
    said = [
        "## Ask it",
        "`heads.safetensors` holds `connector.*` (from features of the base's vision tower to the "
        "decoder's width), `tokens.weight` (learned tokens: `[CLS]` and `[TEXT]` of each question) "
        "and, where there is one, `head.*` on the final-norm hidden state. `labels.json` holds "
        "the classes in the order of the outputs. The sequence is the start token, the tokens of "
        f"the frames, then the learned token. For up to {labels['window_frames']} frames at "
        f"{labels['frames_per_second']:g} a second:",
    ]
    lines = _lines(run, form)
    if lines is None:
        return "\n\n".join([*said[:1], said[1].rpartition(" For up to")[0], _ONLY_OURS])
    return "\n\n".join([*said, f"```python\n{lines}```"])


_ONLY_OURS = "This run answers in several steps; ask it with `gad predict` or `gad serve`."


def _lines(run: Run, form: str) -> str | None:
    classifier, config = run.classifier, run.config
    connector = classifier.backbone.connector
    if isinstance(connector, Connector):
        heads = _HEADS
    elif isinstance(connector, ResidualConnector):
        heads = _HEADS.replace("connector.", "connector.mlp.").replace("start, y]", "start, x + y]")
    else:
        return None
    if isinstance(classifier, DiscriminativeClassifier):
        plain = not classifier.writes_first and config.read_at == "cls"
        return heads + _HEAD if plain else None
    plain = config.codec == "text" and config.vocabulary == "all" and not config.prompt
    return heads + _TEXT if plain and form == "merged" else None
