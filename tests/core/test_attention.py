"""The mask rule against a slow reference, python loops over pairs; its other forms against it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.attention.flex_attention import create_mask

from core.attention import dense_mask
from core.attention.bands import Bands, band_width, cut_into_bands
from core.attention.blocks import block_mask, mask_function
from core.attention.kernel import KERNEL, attend, mask_for
from core.classifiers.base import ReadoutModel
from core.sequence import Batch, Example, Forest, Kind, collate
from tests.core.backbones.test_decoders import USABLE, random_decoder
from tests.core.conftest import random_features, tiny_backbone


def slow_mask(batch: Batch, row: int) -> np.ndarray:
    """The rule as a person reads it, pair by pair, from parents instead of `end`."""
    kind, time = batch.kind[row].tolist(), batch.time[row].tolist()
    count, head = len(kind), batch.head
    end = batch.end[row].tolist()

    def is_ancestor(a: int, b: int) -> bool:  # a is b or above b
        return a >= head and a <= b < end[a]

    seen = np.zeros((count, count), bool)
    for q in range(count):
        for k in range(count):
            if kind[q] == Kind.PAD:
                seen[q, k] = q == k
            elif kind[k] == Kind.START:
                seen[q, k] = True
            elif kind[k] == Kind.FRAME and kind[q] != Kind.START:
                inside = time[q] - batch.window < time[k] <= time[q]
                seen[q, k] = inside and (kind[q] == Kind.READOUT or k <= q)
            elif kind[k] == Kind.READOUT and kind[q] == Kind.READOUT:
                seen[q, k] = is_ancestor(k, q)
    return seen


def random_forest(rng: np.random.Generator, frames: int, first: int, trees: int = 3):
    forest = Forest()

    def grow(time: int, parent: int, depth: int) -> None:
        node = forest.add(int(rng.integers(2, 200)), time, parent)
        for _ in range(int(rng.integers(0, 3)) if depth < 3 else 0):
            grow(time, node, depth + 1)

    for time in sorted(rng.integers(first, first + frames, size=trees).tolist()):
        grow(time, -1, 0)
    return forest.done()


@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("window", [1, 3, 50])
def test_dense_mask_equals_the_slow_reference(k: int, window: int):
    rng = np.random.default_rng(window * 10 + k)
    examples = [
        Example(random_features(frames, k), random_forest(rng, frames, first), first=first)
        for frames, first in ((5, 0), (7, 4), (1, 2))
    ]
    batch = collate(examples, window)
    mask = dense_mask(batch)[:, 0].numpy()
    for row in range(len(examples)):
        np.testing.assert_array_equal(mask[row], slow_mask(batch, row))


def test_nothing_sees_a_readout_that_is_not_its_ancestor():
    forest = Forest()
    root = forest.add(-1, 0)
    left, right = forest.add(2, 0, root), forest.add(3, 0, root)
    mask = dense_mask(collate([Example(random_features(1), forest.done())], 4))[0, 0]
    head = 2
    assert mask[head + left, head + root]
    assert not mask[head + right, head + left]
    assert not mask[head + root, head + left]


def test_descendants_end_where_the_next_tree_begins():
    forest = Forest()
    forest.add_text(-2, [5, 6, 1], 0)
    forest.add_text(-2, [7, 1], 1)
    readout = forest.done()
    assert readout.end.tolist() == [3, 3, 3, 5, 5]
    assert readout.text_target.tolist() == [5, 6, 1, 7, 1]
    assert readout.depth.tolist() == [0, 1, 2, 0, 1]


def test_a_text_carries_its_weight_once_however_long_it_is():
    forest = Forest()
    forest.add_text(-2, [5, 6, 7, 1], 0, weight=3.0)
    assert forest.done().text_weight.sum() == pytest.approx(3.0)


def test_positions_follow_the_formula():
    forest = Forest()
    forest.add_text(-2, [5, 1], 4)
    batch = collate([Example(random_features(3, k=2), forest.done(), first=2, offset=10)], 8)
    assert batch.position[0].tolist() == [0, 15, 16, 17, 18, 19, 20, 21, 22]
    # start · frames 2 to 4 at 11 + 2t + c · readouts after frame 4 at 11 + 5·2 + depth


def long_batch(k: int, window: int, seed: int = 0, lengths=(61, 90, 1)) -> Batch:
    """Chunks of uneven lengths with trees at random frames, several at one, none at most."""
    rng = np.random.default_rng(seed)
    examples = [
        Example(random_features(n, k, seed=i), random_forest(rng, n, 7 * i, 25), first=7 * i)
        for i, n in enumerate(lengths)
    ]
    return collate(examples, window)


def seen_in(bands: Bands, shape: torch.Size) -> torch.Tensor:
    """How often each token sees each other one, put together from the bands. Shape: [B, N, N]."""
    rows, count = shape
    seen = torch.zeros(bands.query.numel(), rows * count, dtype=torch.long)
    keys = bands.key.repeat_interleave(bands.query.shape[1], 0)
    seen.scatter_add_(1, keys, bands.mask.flatten(0, 2).long())
    asked = seen[bands.back]  # [B, N, B·N]
    return torch.stack([asked[b, :, b * count : (b + 1) * count] for b in range(rows)])


@pytest.mark.parametrize(("k", "window"), [(1, 8), (2, 8), (3, 1), (1, 200)])
@pytest.mark.parametrize("width", [1, 5, 16, 300])
def test_in_bands_every_token_sees_once_what_the_dense_mask_lets_it_see(k, window, width):
    batch = long_batch(k, window)
    seen = seen_in(cut_into_bands(batch, width), batch.kind.shape)
    real = batch.kind != Kind.PAD
    assert torch.equal(seen[real], dense_mask(batch)[:, 0][real].long())


@pytest.mark.parametrize("k", [1, 2])
def test_bands_give_the_dense_masks_answers_and_gradients(k):
    backbone, batch = tiny_backbone(tokens_per_frame=k), long_batch(k, 8)
    model, real = ReadoutModel(backbone, 300).double(), batch.kind != Kind.PAD
    batch.token.clamp_(min=0)
    found = []
    for mask in (dense_mask(batch), cut_into_bands(batch, 5)):
        embeds = model.embed(batch).detach().requires_grad_()
        hidden = backbone.hidden(embeds, mask, batch.position)
        weight = torch.randn(hidden[real].shape, generator=torch.Generator().manual_seed(0))
        (hidden[real] * weight).sum().backward()
        found.append((hidden[real].detach(), embeds.grad))
    for dense, banded in zip(*found, strict=True):
        assert dense.abs().max() > 0.1
        torch.testing.assert_close(banded, dense, atol=1e-10, rtol=0)


@pytest.mark.parametrize("config", USABLE.values(), ids=USABLE)
def test_every_family_takes_its_mask_in_the_form_it_was_given_or_stays_dense(config):
    backbone, batch = tiny_backbone(), long_batch(1, 6, lengths=(61, 420, 1))
    backbone = type(backbone)(
        backbone.card, backbone.connector, random_decoder(config()), backbone.tokenizer
    ).float()
    mask, real = mask_for(batch, backbone.causal), batch.kind != Kind.PAD
    assert isinstance(mask, Bands) == (backbone.text_config._attn_implementation == KERNEL)
    with torch.inference_mode():
        embeds = ReadoutModel(backbone, 1).embed(batch)
        dense = backbone.hidden(embeds, dense_mask(batch), batch.position)
        found = backbone.hidden(embeds, mask, batch.position)
    torch.testing.assert_close(found[real], dense[real], atol=1e-4, rtol=1e-4)


def test_short_chunks_stay_whole():
    assert band_width(long_batch(1, 8)) is None
    assert band_width(long_batch(1, 300, lengths=(420,))) is None
    assert band_width(long_batch(1, 8, lengths=(420,))) == 16


@pytest.mark.parametrize(("k", "window"), [(1, 8), (2, 3), (1, 200)])
def test_the_block_masks_rule_is_the_dense_mask(k, window):
    batch = long_batch(k, window, lengths=(21, 9, 1))
    rows, count = batch.kind.shape
    found = create_mask(mask_function(batch), rows, None, count, count, device="cpu")
    assert torch.equal(found, dense_mask(batch))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the compiler
def test_blocks_give_the_dense_masks_answers():
    """FlexAttention on a processor, which has no gradients there; it is compiled first."""
    backbone, batch = tiny_backbone(width=64).float(), long_batch(1, 8)
    with torch.no_grad():
        embeds = ReadoutModel(backbone, 300).embed(replace(batch, token=batch.token.abs()))
        masks = (dense_mask(batch), block_mask(batch))
        dense, blocks = (backbone.hidden(embeds, mask, batch.position) for mask in masks)
    real = batch.kind != Kind.PAD
    torch.testing.assert_close(blocks[real], dense[real], atol=1e-4, rtol=1e-4)


@pytest.mark.gpu
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the compiler
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_blocks_give_the_dense_masks_answers_and_gradients_on_a_gpu():
    backbone, batch = tiny_backbone(width=64).float().cuda(), long_batch(1, 8).to("cuda")
    model, real = ReadoutModel(backbone, 1).cuda(), batch.kind != Kind.PAD
    found = []
    for mask in (dense_mask(batch), block_mask(batch)):
        embeds = model.embed(batch).detach().requires_grad_()
        hidden = backbone.hidden(embeds, mask, batch.position)[real]
        hidden.square().sum().backward()
        found.append((hidden.detach(), embeds.grad))
    for dense, blocks in zip(*found, strict=True):
        torch.testing.assert_close(blocks, dense, atol=2e-2, rtol=2e-2)


@pytest.mark.parametrize("few", [1, 3, 8])
def test_heads_that_share_keys_attend_as_with_repeated_keys(few: int):
    generator = torch.Generator().manual_seed(few)
    query = torch.randn(2, 6, few, 8, generator=generator, dtype=torch.double)
    key, value = (torch.randn(2, 2, 9, 8, generator=generator, dtype=torch.double) for _ in "kv")
    mask = torch.rand(2, 1, few, 9, generator=generator) < 0.6
    mask[..., 0] = True
    found, _ = attend(torch.nn.Module(), query, key, value, mask, scaling=0.3)
    repeated = (x.repeat_interleave(3, dim=1) for x in (key, value))
    slow = torch.nn.functional.scaled_dot_product_attention(
        query, *repeated, attn_mask=mask, scale=0.3
    )
    torch.testing.assert_close(found, slow.transpose(1, 2))
