from collections import Counter

from analysis.coverage import Unseen, coverage


def test_classes_without_training_examples_are_named_and_counted():
    found = coverage(Counter(pour=3, stir=0), Counter(pour=4, stir=2, chop=6))
    assert found.unseen == (Unseen("chop", 6), Unseen("stir", 2))
    assert found.lost == 100 * 8 / 12


def test_a_class_that_is_not_evaluated_is_not_missed():
    assert coverage({"pour": 1}, {"pour": 2, "stir": 0}).unseen == ()


def test_the_warning_names_the_classes_and_what_to_do():
    sentence = coverage({}, {"chop": 6}).sentence
    assert "'chop' (6)" in sentence
    assert "Move a video" in sentence


def test_a_long_warning_counts_the_rest():
    sentence = coverage({}, {f"action {i:02}": 1 for i in range(12)}).sentence
    assert "'action 09' (1) and 2 more" in sentence
    assert "action 10" not in sentence


def test_full_coverage_gives_no_warning():
    assert coverage({"pour": 1}, {"pour": 1}).sentence == ""


def test_an_empty_evaluation_has_no_share():
    assert coverage({"pour": 1}, {}).lost is None
