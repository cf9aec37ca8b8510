import pytest

from core.errors import Conflict, InvalidData, UnknownName
from storage import annotations, labels
from storage.database import Database
from storage.labels import NewLabel
from tests.storage.samples import Sample, edit


def names(database: Database, sample: Sample) -> tuple[str, ...]:
    return labels.classes(database, sample.label_set).classes


def test_adding_labels_again_keeps_their_ids(database: Database, sample: Sample) -> None:
    wanted = [NewLabel("add milk"), NewLabel(" add  tea ", "add", "tea"), NewLabel("add sugar")]
    ids = labels.add_labels(database, sample.label_set, wanted)
    assert {name: ids[name] for name in ("add milk", "add sugar")}.items() <= sample.labels.items()
    assert names(database, sample) == ("add sugar", "add salt", "add milk", "add tea")


def test_a_renamed_label_keeps_its_id_and_its_segments(database: Database, sample: Sample) -> None:
    salt = sample.labels["add salt"]
    annotations.save_segments(database, sample.videos[0], [edit(salt)])
    labels.rename_label(database, salt, "pour salt")
    found = {label.id: label for label in labels.list_labels(database, sample.label_set)}
    assert (found[salt].name, found[salt].segments, found[salt].position) == ("pour salt", 1, 1)


def test_two_labels_of_a_set_have_two_names(database: Database, sample: Sample) -> None:
    with pytest.raises(Conflict, match="exists: 'add milk'"):
        labels.rename_label(database, sample.labels["add salt"], "add milk")
    other = labels.create_label_set(database, sample.project, "other").id
    assert "add milk" in labels.add_labels(database, other, [NewLabel("add milk")])


@pytest.mark.parametrize("name", ["background", "Background"])
def test_background_is_no_label(database: Database, sample: Sample, name: str) -> None:
    with pytest.raises(InvalidData, match="Background is no label"):
        labels.add_labels(database, sample.label_set, [NewLabel("stir"), NewLabel(name)])
    assert len(names(database, sample)) == 3


def test_an_archived_label_leaves_the_classes_and_can_come_back(
    database: Database, sample: Sample
) -> None:
    salt = sample.labels["add salt"]
    labels.archive_label(database, salt)
    assert names(database, sample) == ("add sugar", "add milk")
    everything = labels.list_labels(database, sample.label_set, archived=True)
    assert [label.archived for label in everything] == [False, True, False]
    assert labels.add_labels(database, sample.label_set, [NewLabel("add salt")]) == {
        "add salt": salt
    }
    assert names(database, sample) == ("add sugar", "add salt", "add milk")


def test_the_order_of_labels_is_the_order_of_classes(database: Database, sample: Sample) -> None:
    sugar, salt, milk = sample.labels.values()
    labels.order_labels(database, sample.label_set, [milk, sugar, salt])
    assert names(database, sample) == ("add milk", "add sugar", "add salt")
    with pytest.raises(Conflict, match="every label of the set once"):
        labels.order_labels(database, sample.label_set, [milk, sugar])


def test_each_edit_of_a_label_set_is_a_new_revision(database: Database, sample: Sample) -> None:
    def revision() -> int:
        return labels.find_label_set(database, sample.project).revision

    sugar, salt, milk = sample.labels.values()
    before = revision()
    labels.rename_label(database, salt, "pour salt")
    labels.describe_label(database, salt, {"verb": "pour", "hotkey": "3"})
    labels.archive_label(database, salt)
    labels.order_labels(database, sample.label_set, [milk, sugar, salt])
    assert revision() == before + 4
    labels.rename_label(database, salt, "pour salt")
    labels.describe_label(database, salt, {"verb": "pour"})
    labels.archive_label(database, salt)
    labels.order_labels(database, sample.label_set, [milk, sugar, salt])
    labels.add_labels(database, sample.label_set, [NewLabel("add milk")])
    assert revision() == before + 4


def test_only_fields_of_a_label_can_be_described(database: Database, sample: Sample) -> None:
    with pytest.raises(UnknownName, match=r"field of a label: 'color'\. Did you mean 'colour'"):
        labels.describe_label(database, sample.labels["add salt"], {"color": "red"})


def test_label_sets_are_found_by_name_id_or_as_the_first(
    database: Database, sample: Sample
) -> None:
    second = labels.create_label_set(database, sample.project, "verbs")
    assert labels.find_label_set(database, sample.project).id == sample.label_set
    assert labels.find_label_set(database, sample.project, "verbs") == second
    assert labels.find_label_set(database, sample.project, second.id) == second
    with pytest.raises(Conflict, match="exists: 'verbs'"):
        labels.create_label_set(database, sample.project, "verbs")
    with pytest.raises(UnknownName, match="Available: steps, verbs"):
        labels.find_label_set(database, sample.project, "x")
