"""Sizes and turns, as pure functions."""

from fractions import Fraction

import numpy as np
import pytest

from core.video.picture import even, square_pixels, turned, within


@pytest.mark.fault
def test_turning_clockwise_brings_the_left_column_up():
    image = np.arange(6, dtype=np.uint8).reshape(2, 3, 1)
    assert turned(image, 90)[0, :, 0].tolist() == [3, 0]
    assert turned(image, 180)[0, :, 0].tolist() == [5, 4, 3]
    assert turned(image, 270)[0, :, 0].tolist() == [2, 5]


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_turning_there_and_back_changes_nothing(degrees):
    image = np.random.default_rng(0).integers(0, 255, (4, 6, 3), np.uint8)
    assert np.array_equal(turned(turned(image, degrees), 360 - degrees), image)


def test_pixels_are_made_square_by_growing():
    assert square_pixels((320, 180), Fraction(4, 3)) == (427, 180)
    assert square_pixels((320, 180), Fraction(3, 4)) == (320, 240)
    assert square_pixels((320, 180), None) == (320, 180)


def test_a_bound_never_enlarges_and_leaves_at_least_a_pixel():
    assert within((1280, 720), (384, 384)) == (384, 216)
    assert within((100, 50), (384, 384)) == (100, 50)
    assert within((10_000, 1), (10, 10)) == (10, 1)


def test_even_sides_are_the_nearest_below():
    assert even((427, 181)) == (426, 180)
    assert even((1, 1)) == (2, 2)
