"""Where a backbone lies and of which kind it is, found without torch; what is none says why."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.backbones.entries import BACKBONES, Entry
from core.errors import InvalidFile, MissingArtifact


@dataclass(frozen=True, slots=True)
class Place:
    """A backbone's folder. `settings` is the content of `backbone.json`, {} where there is none."""

    name: str
    folder: Path
    kind: str
    settings: dict[str, Any] = field(default_factory=dict)
    entry: Entry | None = None


def is_folder(name: str) -> bool:
    """Say whether a backbone is given as the path of a folder."""
    return "/" in name or "\\" in name


def find(name: str) -> Place:
    """Return where a backbone is.

    Raises:
        MissingArtifact: It is not on this machine; the message names the command that fetches it.
        InvalidFile: The folder holds something else; the message says what to do with it.
    """
    if is_folder(name):
        folder = Path(name).expanduser()
        if (folder / "backbone.json").is_file():
            return _described(name, folder)
        if (folder / "config.json").is_file():
            return Place(name, folder, _kind_of_checkpoint(folder))
        raise MissingArtifact(
            "A backbone folder holds backbone.json, or is the Hugging Face folder of a "
            "vision-language model",
            f"'{name}' has no backbone.json and no config.json",
            "Give the path of such a folder, or a name: " + ", ".join(BACKBONES) + ".",
        )
    entry = BACKBONES[name]
    if entry.hub is None:
        place = _described(name, Path(__file__).parent / name)
        return Place(name, place.folder, place.kind, place.settings, entry)
    folder = cached(entry)
    if folder is None:
        raise MissingArtifact(
            "The program downloads no weights by itself",
            f"'{name}' ({entry.hub}, {entry.download_gb:g} GB, licence {entry.licence}) is not in "
            "the local Hugging Face cache",
            _how_to_get(entry),
        )
    return Place(name, folder, _kind_of_checkpoint(folder), {}, entry)


def cached(entry: Entry) -> Path | None:
    """Return a Hub checkpoint's folder in the local Hugging Face cache, None if it is not there."""
    from huggingface_hub import try_to_load_from_cache  # half a second that few calls need

    if entry.hub is None:
        return None
    found = try_to_load_from_cache(entry.hub, "config.json", revision=entry.revision)
    folder = Path(found).parent if isinstance(found, str) else None
    return folder if folder and any(folder.glob("*.safetensors")) else None


def _how_to_get(entry: Entry) -> str:
    consent = (
        f"Accept its terms on https://huggingface.co/{entry.hub}, log in with 'hf auth login', then"
        if entry.gated
        else "Fetch it with"
    )
    return f"{consent}: {entry.download_command}"


def _described(name: str, folder: Path) -> Place:
    path = folder / "backbone.json"
    try:
        settings = json.loads(path.read_text())
        kind = settings.get("kind", "composed")
    except (ValueError, AttributeError) as error:
        raise InvalidFile(f"backbone.json must hold a JSON object ({error})", path) from None
    return Place(name, folder, kind, settings)


def _kind_of_checkpoint(folder: Path) -> str:
    """Say what a plain Hugging Face folder is, by its config.

    Raises:
        InvalidFile: It is a decoder or an encoder alone, or brings code of its own.
    """
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text())
        kinds = tuple(config.get("architectures") or ())
    except (ValueError, AttributeError) as error:
        raise InvalidFile(f"config.json must hold a JSON object ({error})", path) from None
    if "vision_config" in config and any(k.endswith("ForConditionalGeneration") for k in kinds):
        return "vision_language"
    if "auto_map" in config:
        raise InvalidFile(
            "A checkpoint must run on the code of transformers alone, but this one brings its own",
            path,
            next_step="Take its version without remote code; many are published as '...-HF'.",
        )
    what = "a decoder" if any(k.endswith("ForCausalLM") for k in kinds) else "an encoder"
    raise InvalidFile(
        f"A backbone needs an encoder and a decoder, but this is {what} alone "
        f"({config.get('model_type', 'of unknown type')})",
        path,
        next_step="Join both with core.backbones.compose: compose(folder, encoder=..., "
        "decoder=...).",
    )
