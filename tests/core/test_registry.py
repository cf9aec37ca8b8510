"""Every name of every table leads to what it promises; a wrong one is answered with all names."""

import pytest

from app.jobs.worker import KINDS
from core.backbones import KINDS as BACKBONE_KINDS
from core.classifiers import CLASSIFIERS, MARKS
from core.decoding import DECODERS
from core.errors import UnknownName
from core.feature_sets import LAYOUTS
from core.formats import FORMATS
from core.labels import CODECS
from core.registry import resolve
from core.tasks import CONTEXTS, TASKS

TABLES = {
    "kind of backbone": BACKBONE_KINDS, "classifier": CLASSIFIERS, "codec": CODECS,
    "context": CONTEXTS, "decoder": DECODERS, "format": FORMATS, "kind of job": KINDS,
    "layout": LAYOUTS,
    "task": TASKS,
}  # fmt: skip


@pytest.mark.parametrize(("family", "name"), [(f, n) for f, table in TABLES.items() for n in table])
def test_every_entry_resolves(family: str, name: str):
    assert callable(resolve(family, TABLES[family], name))


@pytest.mark.parametrize("family", TABLES)
def test_an_unknown_name_is_refused_with_all_names(family: str):
    with pytest.raises(UnknownName) as caught:
        resolve(family, TABLES[family], "nonsense")
    assert all(name in str(caught.value) for name in TABLES[family])


def test_every_classifier_has_its_mark_and_its_own_name():
    assert MARKS.keys() == CLASSIFIERS.keys()
    for name in CLASSIFIERS:
        assert resolve("classifier", CLASSIFIERS, name).name == name
