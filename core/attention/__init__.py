"""The one rule of attention, and the forms in which it reaches a decoder.

`rule` says who sees whom, pair by pair, and makes the dense mask of it. `bands` cuts the same mask
into pieces along time, `blocks` gives it to FlexAttention on a GPU, `kernel` lets a decoder take
any of the three.
"""

from core.attention.rule import Tokens, dense_mask, may_attend, tokens_of

__all__ = ["Tokens", "dense_mask", "may_attend", "tokens_of"]
