"""The backbones that can be chosen by name: what they are, what they need, under which licence.

Nothing here is downloaded by the program: a checkpoint of the Hub is used when it lies in the local
Hugging Face cache. Sizes are those of the model cards; `revision` is None where none is pinned yet,
and then the cached 'main' is used (a run is bound to the hash of the weights either way).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of a backbone before it is there.

    `hub` is the repository, None for what ships with the program. `parameters` and `download_gb`
    are in units of 10^9; `gated` means that its page asks for consent and a login first.
    """

    kind: str
    licence: str
    parameters: float
    hub: str | None = None
    revision: str | None = None
    download_gb: float = 0.0
    gated: bool = False
    note: str = ""

    @property
    def memory_gb(self) -> float:
        """Memory that training needs, estimated: float32 weights, a third more, and 1 GB."""
        return round(self.parameters * 4 * 4 / 3 + 1, 1)

    @property
    def download_command(self) -> str:
        """The shell command that fetches it, empty for what ships with the program."""
        if self.hub is None:
            return ""
        return f"hf download {self.hub}" + (f" --revision {self.revision}" if self.revision else "")


def _checkpoint(hub: str, licence: str, parameters: float, **more: float | bool | str) -> Entry:
    half = round(parameters * 2, 1)  # most are published in bfloat16
    return Entry("vision_language", licence, parameters, hub, **{"download_gb": half, **more})  # pyright: ignore[reportArgumentType]


_NO_DEEPSTACK = "Its decoder gets the last level of visual features only, not its deepstack levels."

BACKBONES: dict[str, Entry] = {
    "nano": Entry("composed", "Apache-2.0", 0.004, note="Knows only the built-in kitchen world."),
    "smolvlm2-256m": _checkpoint(
        "HuggingFaceTB/SmolVLM2-256M-Video-Instruct", "Apache-2.0", 0.26, download_gb=1.03
    ),
    "smolvlm2-500m": _checkpoint(
        "HuggingFaceTB/SmolVLM2-500M-Video-Instruct", "Apache-2.0", 0.51, download_gb=2.03
    ),
    "smolvlm2-2.2b": _checkpoint(
        "HuggingFaceTB/SmolVLM2-2.2B-Instruct", "Apache-2.0", 2.25, download_gb=9.0
    ),
    "internvl3.5-1b": _checkpoint("OpenGVLab/InternVL3_5-1B-HF", "Apache-2.0", 1.06),
    "llava-onevision-0.5b": _checkpoint(
        "llava-hf/llava-onevision-qwen2-0.5b-ov-hf", "Apache-2.0", 0.89
    ),
    "qwen3-vl-2b": _checkpoint("Qwen/Qwen3-VL-2B-Instruct", "Apache-2.0", 2.13, note=_NO_DEEPSTACK),
    "qwen2.5-vl-3b": _checkpoint(
        "Qwen/Qwen2.5-VL-3B-Instruct", "Qwen Research (not commercial)", 3.75
    ),
    "paligemma-3b": _checkpoint("google/paligemma-3b-pt-224", "Gemma terms", 2.92, gated=True),
    "gemma-3-4b": _checkpoint("google/gemma-3-4b-it", "Gemma terms", 4.3, gated=True),
    "llava-1.5-7b": _checkpoint("llava-hf/llava-1.5-7b-hf", "Llama 2 Community", 7.06),
    "llava-next-7b": _checkpoint("llava-hf/llava-v1.6-mistral-7b-hf", "Apache-2.0", 7.57),
    "idefics3-8b": _checkpoint("HuggingFaceM4/Idefics3-8B-Llama3", "Apache-2.0", 8.46),
}
