"""The moment of a project's labels, and how much people changed since."""

from storage import annotations, label_moments, library, projects
from storage.label_moments import LabelMoment
from tests.storage.samples import edit


def test_changes_of_the_own_project_are_counted_from_a_moment_on(database, sample):
    tea, juice, _ = sample.videos
    label = next(iter(sample.labels.values()))
    before = label_moments.newest(database, sample.project)
    assert before.at_us > 0  # the labels were made
    other = projects.create_project(database, "garage").id
    assert label_moments.newest(database, other) == LabelMoment()
    library.set_splits(database, sample.project, {tea: "train"})
    annotations.save_segments(database, juice, [edit(label), edit(label, 3, 4)])
    now = label_moments.newest(database, sample.project)
    assert label_moments.changes_since(database, sample.project, now) == 0
    assert label_moments.changes_since(database, sample.project, before) == 2
    assert label_moments.changes_since(database, other, LabelMoment()) == 0
