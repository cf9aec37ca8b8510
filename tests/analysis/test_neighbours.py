import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from analysis import neighbours
from analysis.neighbours import nearest

FEW = st.lists(st.tuples(*[st.integers(-2, 2)] * 2), min_size=1, max_size=9)  # with equal ones


@settings(deadline=None)
@given(FEW, FEW, st.integers(1, 6), st.booleans(), st.sampled_from([2, 512]))
def test_the_nearest_are_those_of_sorting_all(points, among, k, alone, block):
    first = np.array(points, float)
    second = first if alone else np.array(among, float)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "_BLOCK", block)
        found, cosines = nearest(first, second, k, without_itself=alone)
    similar = first @ second.T
    for number, row in enumerate(similar):
        order = [int(n) for n in np.argsort(-row, kind="stable") if not alone or n != number]
        assert found[number].tolist() == order[:k]
        assert cosines[number].tolist() == row[order[:k]].tolist()
