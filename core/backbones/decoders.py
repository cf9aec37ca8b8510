"""Causal decoders: loaded, cut out of vision-language models, and proven to follow our rules."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    AutoModelForCausalLM,
    DynamicCache,
    GenerationMixin,
    PreTrainedConfig,
    PreTrainedModel,
)
from transformers.modeling_outputs import CausalLMOutputWithPast

from core.backbones.rules import check_attention, decoder_masks, finished_logits
from core.backbones.weights import load_pretrained
from core.errors import InvalidConfig, InvalidFile

_FAR = 1 << 14
_CLOSE = 1e-3  # of the largest value, in single precision; a wrong mask shows as 0.1
_ROUGHLY = 0.1  # single precision turns late positions inexactly


def load_decoder(folder: Path) -> PreTrainedModel:
    """Load a causal LM and make sure that it can be used.

    Raises:
        MissingArtifact: As `check_weights`.
        InvalidFile: As `load_pretrained`, or the decoder does not follow masks and positions.
    """
    decoder = load_pretrained(AutoModelForCausalLM, folder)
    check_decoder(decoder, folder)
    return decoder


class TextDecoder(PreTrainedModel, GenerationMixin):
    """A language model and its output matrix, for types of which transformers has no causal LM."""

    base_model_prefix = "model"
    _supports_sdpa = True

    def __init__(self, config: PreTrainedConfig, model: nn.Module, head: nn.Module) -> None:
        super().__init__(config)
        self.model, self.lm_head = model, head

    def forward(self, *args: Any, **kwargs: Any) -> CausalLMOutputWithPast:
        """Run the language model and the output matrix. Returns logits [B, N, V] and the cache."""
        kwargs.pop("labels", None)
        out = self.model(*args, **kwargs)
        return CausalLMOutputWithPast(
            logits=self.lm_head(out.last_hidden_state), past_key_values=out.past_key_values
        )


def text_decoder(model: PreTrainedModel) -> PreTrainedModel:
    """Make a vision-language model's text part a causal LM of its own; the weights are shared.

    It has the names of the plain causal LM of its type where transformers has one, so that an
    adapter of it is an adapter of that.
    """
    config: Any = model.config.get_text_config()
    language: Any = model.get_decoder()
    head: Any = model.get_output_embeddings()
    if language is model or head is None:
        raise InvalidConfig(
            "A vision-language model must have a decoder of its own", model.config.model_type
        )
    # The checkpoint says it for the whole model, and the text part alone may say otherwise.
    config.tie_word_embeddings = head.weight is language.get_input_embeddings().weight
    if getattr(config, "use_bidirectional_attention", False):  # PaliGemma's, for its prompts
        config.use_bidirectional_attention = False
        for module in language.modules():
            if hasattr(module, "is_causal"):
                module.is_causal = True
    try:
        with torch.device("meta"):
            causal = AutoModelForCausalLM.from_config(config)
    except ValueError:
        causal = None
    if causal is None or type(causal.get_decoder()) is not type(language):
        return TextDecoder(config, language, head).eval()
    setattr(causal, causal.base_model_prefix, language)
    causal.set_output_embeddings(head)
    assert not any(p.is_meta for p in causal.parameters()), "a part of the causal LM was not there"
    return causal.eval()


def check_decoder(decoder: Any, where: object) -> None:
    """Ask a decoder for a few tokens in several ways that must agree.

    Raises:
        InvalidFile: It has layers that take no mask, positions that end, or something about it is
            not known here; the message says which.
    """
    config = decoder.config.get_text_config()
    check_attention(config, where)
    try:
        with torch.inference_mode():
            wrong = _first_difference(decoder, config)
    except (IndexError, TypeError, RuntimeError, ValueError, AttributeError, KeyError) as error:
        wrong = f"it refuses them ({str(error).strip().split(chr(10))[0]})"
    if wrong:
        raise InvalidFile(
            "A decoder must follow our masks, rotary positions and caches, but with "
            f"'{config.model_type}' {wrong}",
            str(where),
            next_step="Take a decoder with rotary positions, such as Llama, Qwen3 or SmolLM2.",
        )


def _first_difference(decoder: Any, config: Any) -> str:
    """Return what differs, empty if nothing does."""
    ids = (torch.arange(9, device=decoder.device) * 7 % min(config.vocab_size, 97)).unsqueeze(0)
    own = decoder(input_ids=ids, use_cache=False).logits[0]
    embeds = decoder.get_input_embeddings()(ids)
    causal = torch.ones(9, 9, dtype=torch.bool).tril()
    every = torch.arange(9)

    def run(index: Tensor, mask: Tensor, cache: Any = None, shift: int = 0) -> Tensor:
        position = (every[index] + shift).unsqueeze(0)
        return decoder.get_decoder()(
            inputs_embeds=embeds[:, index],
            attention_mask=decoder_masks(config, mask[None, None], position),
            position_ids=position,
            past_key_values=cache,
            use_cache=cache is not None,
        ).last_hidden_state[0]

    hidden = run(every, causal)
    if not _close(finished_logits(config, decoder.get_output_embeddings()(hidden)), own):
        return "the logits of the same hidden states differ from its own"
    hiding = causal.clone()
    hiding[5:, 2:5] = False
    hidden, kept = run(every, hiding), torch.tensor([0, 1, 5, 6, 7, 8])
    if not _close(run(kept, causal[kept][:, kept]), hidden[kept]):
        return "hidden tokens are seen, or positions are not those that are given"
    cache: Any = DynamicCache()
    first = run(every[:6], hiding[:6, :6], cache)
    if not _close(torch.cat([first, run(every[6:], hiding[6:], cache)]), hidden):
        return "a cache gives other answers than one pass"
    if not _close(run(every, hiding, shift=_FAR), hidden, _ROUGHLY):
        return "distances mean something else at late positions"
    return ""


def _close(a: Tensor, b: Tensor, tolerance: float = _CLOSE) -> bool:
    return bool((a - b).abs().max() <= tolerance * b.abs().max())
