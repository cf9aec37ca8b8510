"""The worlds of the reproduction: what turns with the pixels, what with the names; the plan."""

from collections import Counter, defaultdict
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from safetensors.numpy import save_file

from core.config import RunConfig
from core.decoding import DECODERS
from core.kitchen.world import ACTIONS, NOUNS, VERBS
from core.reproduction.book import Book
from core.reproduction.footage import world_data
from core.reproduction.plan import FULL, GRID, PLANS, QUICK, TUNING_SEED, Plan
from core.reproduction.worlds import RECIPES, Pixels, World, labelled
from core.types import grid_us

FREE = Pixels(free=True, train=12, val=4, test=8)
ALIGNMENTS = ("native", "permuted", "unlike_verbs", "synonyms")
EVERY_ALIGNMENT = pytest.mark.parametrize("alignment", ALIGNMENTS)
BOTH_PIXELS = pytest.mark.parametrize("pixels", [RECIPES, FREE], ids=["recipes", "free"])


def split_name(name: str) -> tuple[str, str]:
    verb, _, noun = name.rpartition(" ")
    return verb, noun


# ---- names --------------------------------------------------------------------------------------


@BOTH_PIXELS
@EVERY_ALIGNMENT
@pytest.mark.parametrize("long", [False, True])
def test_class_indices_follow_the_actions_whatever_they_are_called(pixels, alignment, long):
    world = World(pixels, alignment, long=long)
    names = world.names(3)
    for script, split in pixels.scripts()[:5]:
        video = labelled(script, split, world, names)
        found = [names.index(segment.label) for segment in video.segments]
        assert found == [pixels.actions.index(step.action) for step in script.steps]
        assert [s.start_us for s in video.segments] == [s.start_us for s in script.steps]
        assert (video.split, video.goal) == (split, script.task.name)


@BOTH_PIXELS
def test_native_names_are_the_kitchens(pixels):
    assert World(pixels).names(0).classes == tuple(a.name for a in pixels.actions)


@BOTH_PIXELS
def test_permuted_names_are_the_same_names_dealt_anew_by_every_seed(pixels):
    native, world = World(pixels).names(0).classes, World(pixels, "permuted")
    dealt = [world.names(seed).classes for seed in range(5)]
    assert all(sorted(names) == sorted(native) for names in dealt)
    assert len({native, *dealt}) == 6
    assert world.names(4) == world.names(4)
    kept = np.mean([a == b for names in dealt for a, b in zip(names, native, strict=True)])
    assert kept < 0.1


@BOTH_PIXELS
@pytest.mark.parametrize("seed", range(5))
def test_unlike_verbs_keep_the_noun_and_never_give_a_thing_one_verb_twice(pixels, seed):
    names = World(pixels, "unlike_verbs").names(seed).classes
    assert len(set(names)) == len(pixels.actions)
    verbs, motions = defaultdict(list), defaultdict(set)
    for name, action in zip(names, pixels.actions, strict=True):
        verb, noun = split_name(name)
        assert noun == NOUNS[action.thing]
        assert verb in VERBS.values()
        verbs[action.thing].append(verb)
        motions[action.motion].add(verb)
    assert all(len(set(found)) == len(found) for found in verbs.values())
    assert max(map(len, motions.values())) > 3  # a motion has many words
    assert names != World(pixels, "unlike_verbs").names(seed + 1).classes


@pytest.mark.parametrize("pixels", [RECIPES, replace(FREE, classes=len(ACTIONS))])
def test_synonyms_give_a_motion_three_words_and_the_thing_decides_which(pixels):
    names = World(pixels, "synonyms").names(0).classes
    words, by_thing = defaultdict(set), defaultdict(set)
    for name, action in zip(names, pixels.actions, strict=True):
        assert name.endswith(f" {NOUNS[action.thing]}")
        words[action.motion].add(name.removesuffix(f" {NOUNS[action.thing]}"))
        by_thing[action.thing].add(name)
    assert max(map(len, words.values())) == 3
    assert sum(len(found) > 1 for found in words.values()) > len(words) / 2
    assert all(VERBS[motion] in found or len(found) < 3 for motion, found in words.items())
    assert len(set(names)) == len(names)
    assert names == World(pixels, "synonyms").names(9).classes  # nothing is drawn


@BOTH_PIXELS
@EVERY_ALIGNMENT
def test_long_names_say_the_same_and_with_what_and_where(pixels, alignment):
    short, long = (World(pixels, alignment, long=value).names(2).classes for value in (False, True))
    assert len(set(long)) == len(short)
    assert min(len(name.split()) for name in long) >= 9
    if alignment == "permuted":
        assert sorted(long) == sorted(World(pixels, long=True).names(2).classes)
        return
    for name, whole in zip(short, long, strict=True):
        verb, noun = split_name(name)
        assert whole.startswith(f"{verb} the {noun} with the ")


# ---- pixels -------------------------------------------------------------------------------------


def shared_words(pixels: Pixels) -> float:
    """Return how many words a pair of actions has in common on average: verb, noun, neither."""
    return float(
        np.mean([
            (a.verb == b.verb) + (a.noun == b.noun) for a, b in combinations(pixels.actions, 2)
        ])
    )  # fmt: skip


@pytest.mark.parametrize("classes", [24, 48])
def test_overlap_is_low_medium_and_high_as_it_says(classes):
    found = [
        shared_words(replace(FREE, classes=classes, overlap=overlap))
        for overlap in ("low", "medium", "high")
    ]
    assert found[0] < 0.9 * found[1] < 0.8 * found[2]


def test_a_free_world_has_as_many_actions_as_it_says_in_order():
    for classes in (24, 48, 96):
        keys = [a.key for a in replace(FREE, classes=classes).actions]
        assert len(set(keys)) == classes
        assert keys == sorted(keys)


@pytest.mark.parametrize("classes", [24, 48, 96])
def test_decks_show_every_class_equally_often_in_every_split(classes):
    pixels = replace(FREE, classes=classes, train=24, val=12, test=40)
    counts = {split: Counter() for split in ("train", "val", "test")}
    for script, split in pixels.scripts():
        counts[split].update(step.action for step in script.steps)
    for found in counts.values():
        often = [found[action] for action in pixels.actions]
        assert min(often) >= 1
        assert max(often) - min(often) <= 1


@BOTH_PIXELS
def test_scripts_are_the_same_every_time_and_no_video_stands_in_two_splits(pixels):
    few = replace(pixels, train=6, val=2, test=3)
    scripts = few.scripts()
    assert [script for script, _ in scripts] == [script for script, _ in few.scripts()]
    assert Counter(split for _, split in scripts) == {"train": 6, "val": 2, "test": 3}
    assert len({script.name for script, _ in scripts}) == len(scripts)
    assert len({script.seed for script, _ in scripts}) == len(scripts)


def test_a_fixed_variant_depends_on_the_thing_alone_and_changes_nothing_else():
    free, fixed = (replace(FREE, fixed_variants=value).scripts() for value in (False, True))
    seen, by_verb = defaultdict(set), defaultdict(set)
    for (script, _), (same, _) in zip(fixed, free, strict=True):
        for step, other in zip(script.steps, same.steps, strict=True):
            assert replace(step, variant=other.variant) == other
            seen[step.action.thing].add(step.variant)
            by_verb[step.action.motion].add(step.variant)
    assert all(len(variants) == 1 for variants in seen.values())
    assert max(map(len, by_verb.values())) == 3


def test_a_share_of_the_examples_is_a_share_of_the_training_videos_only(tmp_path):
    shot, scripts = [tmp_path / "0.safetensors", tmp_path / "1.safetensors"], FREE.scripts()
    for path, part in zip(shot, (scripts[:10], scripts[10:]), strict=True):
        lengths = {script.name: len(grid_us(script.duration_us, 4.0)) for script, _ in part}
        save_file({n: np.zeros((t, 1, 6), np.float16) for n, t in lengths.items()}, path)
    whole, half = (world_data(World(FREE, examples=e), 0, shot, 4.0) for e in (1.0, 0.5))
    assert all(len(features) == len(features.features) for _, features in whole[0].train)
    assert [len(whole[0].train), len(whole[0].val), len(whole[1])] == [12, 4, 8]
    assert [len(half[0].train), len(half[0].val), len(half[1])] == [6, 4, 8]
    assert [v for v, _ in half[0].train] == [v for v, _ in whole[0].train[:6]]
    splits = [{v.split for v, _ in found} for found in (whole[0].train, whole[0].val, whole[1])]
    assert splits == [{"train"}, {"val"}, {"test"}]


# ---- the plan -----------------------------------------------------------------------------------

BOTH_PLANS = pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)


@BOTH_PLANS
def test_units_come_seed_by_seed_so_that_any_beginning_is_balanced(plan: Plan):
    units = list(plan.units())
    conditions = [(s, c) for s in plan.studies for c in s.conditions]
    assert [unit.seed for unit in units] == sorted(unit.seed for unit in units)
    assert [(u.study, u.condition) for u in units] == conditions * plan.seeds
    assert TUNING_SEED not in {unit.seed for unit in units}


@BOTH_PLANS
def test_every_unit_has_a_file_of_its_own(plan: Plan):
    units = [*plan.tuning(), *plan.units()]
    keys = [unit.key for unit in units]
    assert len(set(keys)) == len(keys)
    assert len({key.casefold() for key in keys}) == len(keys)  # also where names ignore case
    assert not any(set(key) & set(' /\\:*?"<>|') for key in keys)


@BOTH_PLANS
def test_learning_rates_are_chosen_once_a_family_on_the_common_grid(plan: Plan):
    trained = [c for study in plan.studies for c in study.conditions if not c.untuned]
    tuned = defaultdict(list)
    for unit in plan.tuning():
        tuned[unit.condition.family].append(unit)
    assert {*tuned, *plan.rates} == {condition.family for condition in trained}
    assert not tuned.keys() & plan.rates.keys()
    for found in tuned.values():
        assert [unit.lr for unit in found] == list(GRID)
        assert {unit.seed for unit in found} == {TUNING_SEED}
        assert len({(unit.study.name, unit.condition.name) for unit in found}) == 1


@BOTH_PLANS
def test_the_settings_of_every_condition_can_be_trained_and_decoded(plan: Plan):
    for study in plan.studies:
        for condition in study.conditions:
            training = {"steps": 0 if condition.untuned else study.steps, "batch": study.batch}
            asked = [dict(s) for s in (condition.settings, condition.first) if s is not None]
            read = [RunConfig.read({"task": study.task, **s, "training": training}) for s in asked]
            assert set(condition.decoders) <= set(DECODERS)
            assert not condition.decoders or read[0].classifier == "generative"


@BOTH_PLANS
def test_conditions_of_one_study_are_named_apart_and_trained_alike(plan: Plan):
    conditions, sizes = defaultdict(list), defaultdict(set)
    for study in plan.studies:
        conditions[study.name] += [condition.name for condition in study.conditions]
        sizes[study.name].add((study.task, study.steps, study.batch, study.test))
    assert all(len(set(names)) == len(names) for names in conditions.values())
    assert all(len(found) == 1 for found in sizes.values())


@BOTH_PLANS
def test_what_is_tested_was_trained(plan: Plan):
    """Free worlds show every class in training; recipes nearly every one that is asked."""
    shares = defaultdict(set)
    for world in (c.world for study in plan.studies for c in study.conditions):
        shares[world.pixels].add(world.examples)
    for pixels, examples in shares.items():
        found = pixels.scripts()
        train = [script for script, split in found if split == "train"]
        train = train[: round(min(examples) * len(train))]
        seen = {step.action for script in train for step in script.steps}
        asked = [step.action for script, split in found if split == "test" for step in script.steps]
        assert seen == set(pixels.actions) or not pixels.free
        assert np.mean([action in seen for action in asked]) > 0.98


def test_a_changed_plan_has_another_digest():
    assert QUICK.digest == replace(QUICK).digest
    changed = [
        QUICK, FULL, replace(QUICK, seeds=4), replace(QUICK, rates={"text": 1e-3}),
        replace(QUICK, studies=(replace(QUICK.studies[0], steps=91),)),
    ]  # fmt: skip
    assert len({plan.digest for plan in changed}) == len(changed)


def test_worlds_are_rendered_once_and_shared_by_all_names():
    pixels = FULL.pixels()
    assert len(set(pixels)) == len(pixels)
    assert set(pixels) == {c.world.pixels for study in FULL.studies for c in study.conditions}
    named = [c.world for study in FULL.studies for c in study.conditions]
    assert len(pixels) < len(set(named))


# ---- the book -----------------------------------------------------------------------------------


def test_the_book_keeps_what_a_unit_found_in_the_plans_order(tmp_path):
    book, units = Book(tmp_path), list(QUICK.units())
    assert book.outcomes(QUICK) == []
    for place in (5, 0, 3):
        book.write(units[place], {"place": place, "curve": [[1, 2.5]]})
    assert book.outcome(units[1]) is None
    assert [found["place"] for found in book.outcomes(QUICK)] == [0, 3, 5]
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_familys_rate_is_the_best_of_validation_and_the_lower_one_in_a_tie(tmp_path):
    book, found = Book(tmp_path), {7e-4: [3.0, 80.0], 2e-3: [82.0, 10.0], 5e-3: [82.0, 82.0]}
    first = next(FULL.tuning()).condition.family
    for unit in FULL.tuning():
        if unit.condition.family == first:
            assert unit.lr is not None
            book.write(unit, {"curve": list(enumerate(found[unit.lr]))})
    assert book.rates(FULL) == {first: 2e-3}
    assert book.rates(QUICK) == QUICK.rates
