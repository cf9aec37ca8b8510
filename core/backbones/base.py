"""What every backbone offers to the classifiers."""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import peft
import torch
from numpy.typing import NDArray
from peft import LoraConfig, PeftModel
from torch import Tensor, nn
from transformers import Cache, PreTrainedModel, PreTrainedTokenizerBase

from core.attention.kernel import Mask
from core.backbones.adapters import adapted_layers
from core.backbones.rules import choose_kernel, finished_logits, mask_arguments


@dataclass(frozen=True, slots=True)
class BackboneCard:
    """What is known of a backbone without loading its weights.

    `revision` is a hash over its weight files; features and runs are bound to it. `rate` is frames
    a second, `window_s` how far back a frame sees. `rank`, `alpha` and `lr` are its LoRA recipe.
    """

    name: str
    revision: str
    licence: str
    rate: float
    window_s: float
    tokens_per_frame: int
    feature_width: int
    max_position: int
    rank: int
    alpha: int
    lr: float


class VisionTower(nn.Module):
    """The frozen encoder: pictures in, k tokens of width d a picture out."""

    card: BackboneCard

    def prepare(self, frame: NDArray) -> NDArray:
        """Turn one RGB uint8 picture of any size into the tower's input picture."""
        raise NotImplementedError

    def forward(self, pictures: Tensor) -> Tensor:
        """Encode prepared pictures, uint8 [B, h, w, 3] -> [B, k, d]."""
        raise NotImplementedError


class Connector(nn.Sequential):
    """Linear, GELU, Linear: the paper's connector from raw features to the decoder's width."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, hidden))


class ResidualConnector(nn.Module):
    """x + MLP(x), the identity at first: behind features that a frozen projector made already."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mlp = Connector(width, width)
        last = self.mlp[-1]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(self, features: Tensor) -> Tensor:
        """Correct features of the decoder's width. [..., H] -> [..., H]."""
        return features + self.mlp(features)


class Backbone(nn.Module):
    """Connector, decoder and tokenizer, with one adapter on the decoder where it is trained.

    peft sees the decoder only; everything else that learns is an ordinary module.
    """

    def __init__(
        self,
        card: BackboneCard,
        connector: nn.Module,
        decoder: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
    ) -> None:
        super().__init__()
        self.card, self.connector = card, connector
        # transformers types these by what a checkpoint might hold, not by what one holds.
        self.tokenizer: Any = tokenizer
        self.decoder: Any = decoder.requires_grad_(False)
        self.text_config: Any = decoder.config.get_text_config()
        choose_kernel(self.causal)

    @property
    def causal(self) -> Any:
        """The decoder itself, with adapted layers inside where there are any."""
        model = self.decoder
        return model.get_base_model() if isinstance(model, PeftModel) else model

    @property
    def width(self) -> int:
        """The decoder's hidden size H."""
        return self.text_config.hidden_size

    @property
    def embed_scale(self) -> float:
        """By how much the decoder scales the rows of its table when it looks tokens up (Gemma)."""
        return float(getattr(self.causal.get_input_embeddings(), "embed_scale", 1.0))

    @property
    def vocabulary(self) -> int:
        """The number of tokens that can be written, V: rows of the output matrix."""
        return self.causal.get_output_embeddings().weight.shape[0]

    @property
    def eos(self) -> int:
        """The token that ends every text."""
        return int(self.tokenizer.eos_token_id)

    @property
    def start(self) -> int:
        """The token in front: the decoder's BOS, or EOS where it has none."""
        bos = self.tokenizer.bos_token_id
        return self.eos if bos is None else int(bos)

    def add_adapter(self, *, rank: int, alpha: int, dropout: float, output: bool) -> None:
        """Put a LoRA on the linear layers of every block, and on the output matrix if asked.

        A tied output matrix is untied by cloning first, so that the embedding stays as it is.
        """
        assert not isinstance(self.decoder, PeftModel), "the decoder has an adapter already"
        head = self.decoder.get_output_embeddings()
        layers = adapted_layers(self.decoder, output=output)
        if output and head.weight is self.decoder.get_input_embeddings().weight:
            head.weight = nn.Parameter(head.weight.detach().clone(), requires_grad=False)
            self.decoder.config.tie_word_embeddings = False
        config = LoraConfig(
            r=rank,
            lora_alpha=alpha,
            lora_dropout=dropout,
            target_modules=sorted({path.rpartition(".")[2] for path in layers}),
            task_type="CAUSAL_LM",
            # peft would write the folder of this machine into every run
            base_model_name_or_path=self.card.name,
        )
        self.decoder = peft.PeftModelForCausalLM(self.decoder, config)

    def with_own_connector(self) -> "Backbone":
        """Return a backbone with a copy of the connector, on the same decoder."""
        return Backbone(self.card, deepcopy(self.connector), self.decoder, self.tokenizer)

    def embed(self, ids: Tensor) -> Tensor:
        """Look up vocabulary ids. [...] -> [..., H]."""
        return self.causal.get_input_embeddings()(ids)

    def hidden(
        self, embeds: Tensor, mask: Mask, position: Tensor, cache: Cache | None = None
    ) -> Tensor:
        """Run the decoder and return its final-norm hidden states.

        Args:
            embeds: [B, N, H].
            mask: bool [B, 1, N, past + N], True where attention is allowed; without a past also
                in the other forms that `mask_for` gives.
            position: int [B, N].
            cache: Keys and values of the past; grows in place by N. Its tokens stand one after
                another right before the first of the new ones, the first of them at 0.
        """
        out = self.causal.get_decoder()(
            inputs_embeds=embeds,
            **mask_arguments(self.text_config, mask, position),
            position_ids=position,
            past_key_values=cache,
            use_cache=cache is not None,
        )
        return out.last_hidden_state

    def logits(self, rows: Tensor) -> Tensor:
        """Return the logits over the vocabulary of hidden states. [rows, H] -> [rows, V]."""
        return finished_logits(self.text_config, self.causal.get_output_embeddings()(rows))

    @property
    def dtype(self) -> torch.dtype:
        """The floating-point type the decoder computes in."""
        return self.causal.get_input_embeddings().weight.dtype
