import pytest

from core.errors import Conflict, InvalidData, UnknownName
from storage import projects
from storage.database import Database


def test_a_project_is_found_by_its_name_and_its_id(database: Database) -> None:
    made = projects.create_project(database, "  my   kitchen ", settings={"rate": 4})
    assert made.name == "my kitchen"
    assert projects.find_project(database, "my kitchen") == made
    assert projects.find_project(database, made.id) == made


def test_two_projects_have_two_names(database: Database) -> None:
    projects.create_project(database, "kitchen")
    with pytest.raises(Conflict, match=r"exists: 'kitchen'\. Choose another name"):
        projects.create_project(database, "kitchen ")


def test_a_mistyped_project_is_suggested(database: Database) -> None:
    with pytest.raises(UnknownName, match="There is no project yet"):
        projects.find_project(database, "kitchen")
    projects.create_project(database, "kitchen")
    with pytest.raises(UnknownName, match="Did you mean 'kitchen'"):
        projects.find_project(database, "kitchn")


def test_changing_a_setting_keeps_the_others(database: Database) -> None:
    project = projects.create_project(database, "kitchen", settings={"rate": 4, "zoom": 1}).id
    projects.change_settings(database, project, {"zoom": 2})
    assert projects.find_project(database, project).settings == {"rate": 4, "zoom": 2}


@pytest.mark.parametrize(
    "name", ["", " \t\n", "x" * 201, "a\x00b", "a\x1bb", "\ud800", "gpj.\u202eexe"]
)
def test_a_name_that_cannot_be_shown_is_refused(database: Database, name: str) -> None:
    with pytest.raises(InvalidData, match="The name of a project"):
        projects.create_project(database, name)
    assert projects.list_projects(database) == ()


@pytest.mark.fault
def test_a_name_has_one_stored_form_and_keeps_what_looks_like_code(database: Database) -> None:
    name = "Robert'); DROP TABLE project; <b>☕</b>"
    assert projects.create_project(database, name).name == name
    assert projects.create_project(database, "cafe\u0301").name == "café"
