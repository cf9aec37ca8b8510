from storage import statistics
from storage.database import Database


def test_a_result_is_found_under_its_inputs_and_no_others(database: Database) -> None:
    key = statistics.key_of("confusion", {"runs": [1, 2], "split": "test"})
    statistics.put(database, key, "confusion", {"matrix": [[1, 0], [0, 1]]})
    same = statistics.key_of("confusion", {"split": "test", "runs": [1, 2]})
    assert statistics.get(database, same) == {"matrix": [[1, 0], [0, 1]]}
    others = [("confusion", {"runs": [2, 1], "split": "test"}), ("diversity", {"runs": [1, 2]})]
    for kind, inputs in others:
        assert statistics.get(database, statistics.key_of(kind, inputs)) is None


def test_a_repeated_result_takes_the_place_of_the_former(database: Database) -> None:
    for value in (1, 2):
        statistics.put(database, "key", "confusion", {"n": value})
    assert statistics.get(database, "key") == {"n": 2}


def test_forgetting_a_kind_keeps_the_others(database: Database) -> None:
    for key, kind in (("a", "confusion"), ("b", "confusion"), ("c", "diversity")):
        statistics.put(database, key, kind, {"n": 1})
    assert statistics.forget(database, "confusion") == 2
    assert statistics.get(database, "a") is None
    assert statistics.get(database, "c") == {"n": 1}
