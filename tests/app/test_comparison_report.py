"""The report of a comparison: its figures are those of the routes, its texts are never HTML."""

import csv
import io
import json
import shutil
from html.parser import HTMLParser
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from app.api import add_routes
from app.cli import app as commands
from app.services import library, open_studio
from app.services.comparison_page import render
from app.services.comparison_report import figures
from storage import runs
from storage.runs import Metric
from tests.app.analysed import add_run, fill

TEA, SOUP, BREAD = 1, 2, 3
EVIL = '<img src=x onerror="alert(1)">&amp;'


class Page(HTMLParser):
    """What is in a page: its elements, their attributes, and the values of its figures."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.values: list[float] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag == "data":
            self.values.append(float(dict(attrs)["value"] or ""))

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def site(tmp_path_factory, little_folder):
    """A client of a studio with two runs: one takes soup for tea, the other bread for tea."""
    folder = tmp_path_factory.mktemp("report")
    with open_studio(folder / "data") as studio:
        project = fill(studio, little_folder, folder / "labels.csv")
        made = [add_run(studio, project, [wrong]) for wrong in ((SOUP, TEA), (BREAD, TEA))]
        for run, value in zip(made, (61.25, 70.5), strict=True):
            metric = Metric("test", "frame_accuracy", value, value - 4, value + 3, 4)
            runs.put_metrics(studio.database, run, [metric])
        server = FastAPI()
        add_routes(server, studio, "token")
        yield studio, project, made, TestClient(server)


def asked(site, form: str, path: str = "/report"):
    _, project, made, client = site
    query = {"runs": ",".join(map(str, made)), "split": "test", "as": form}
    answer = client.get(f"/api/projects/{project}/analysis{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer


def numbers(value) -> set[float]:
    if isinstance(value, dict):
        return set().union(*map(numbers, value.values()))
    if isinstance(value, list):
        return set().union(*map(numbers, value))
    return {float(value)} if isinstance(value, int | float) else set()


def test_the_json_is_what_the_routes_give(site):
    found = asked(site, "json").json()
    assert found["analysis"] == asked(site, "json", "").json()
    assert found["labels"] == asked(site, "json", "/labels").json()
    assert [run["metrics"][0]["value"] for run in found["runs"]] == [61.25, 70.5]
    assert set(found["about"]) == {"project", "split", "made", "versions", "data_hash"}


def test_every_figure_of_the_page_is_a_value_of_the_json(site):
    found, page = asked(site, "json").json(), Page(asked(site, "html").text)
    known = numbers(found) | {0.0}
    assert len(page.values) > 60 and set(page.values) <= known
    for run in found["analysis"]["runs"]:
        shown = [run["accuracy"], run["calibration"]["ece"], run["calibration"]["nll"]]
        shown += [[each["score"], each["mistakes"]] for each in run["diversity"].values()]
        shown += [each["count"] for each in run["confusion"]["pairs"]]
        assert numbers(shown) <= set(page.values), run["run"]
    (pair,) = found["analysis"]["agreement"]["pairs"]
    for key in ("accuracy_difference", "same", "double_fault", "q", "kappa"):
        assert numbers(pair[key]) <= set(page.values), key
    assert numbers([each["recall"] for each in found["analysis"]["per_class"]]) <= set(page.values)


def test_the_table_has_a_row_for_every_figure(site):
    found, lines = asked(site, "json").json(), asked(site, "csv").text
    rows = list(csv.DictReader(io.StringIO(lines, newline="")))
    assert list(rows[0]) == ["run", "figure", "value", "low", "high", "n"]
    assert len(rows) == len(figures(found)) > 50
    for run in found["analysis"]["runs"]:
        (row,) = [r for r in rows if (r["run"], r["figure"]) == (run["run"], "accuracy")]
        assert {k: float(row[k]) for k in ("value", "low", "high")} == run["accuracy"]


def test_the_page_loads_nothing_and_runs_nothing(site):
    answer = asked(site, "html")
    assert answer.headers["content-disposition"] == 'attachment; filename="report-test.html"'
    page = Page(answer.text)
    assert not page.tags & {"script", "img", "link", "iframe", "object", "image", "use"}
    assert not page.attributes & {"src", "href"}
    assert not any(name.startswith("on") for name in page.attributes)
    assert "url(" not in answer.text and "@import" not in answer.text


def evil(value: Any) -> Any:
    """Return JSON in which every text, and every name, is an attack."""
    if isinstance(value, dict):
        named = {k: evil(v) for k, v in value.items()}
        for key in ("only_right", "settings", "versions"):
            if isinstance(value.get(key), dict):
                named[key] = {EVIL + k: evil(v) for k, v in value[key].items()}
        return named
    if isinstance(value, list):
        return [evil(each) for each in value]
    return EVIL if isinstance(value, str) else value


@pytest.mark.parametrize("labels", [True, False])
@pytest.mark.fault
def test_no_text_of_a_person_is_taken_for_html(site, labels):
    found = evil(asked(site, "json").json())
    if not labels:
        found |= {"labels": None, "no_labels": EVIL}
    text = render(found)
    page = Page(text)
    assert "img" not in page.tags and "onerror" not in page.attributes
    assert "<img" not in text and EVIL in page.text
    assert page.values == Page(asked(site, "html").text).values or not labels


def test_the_command_writes_what_the_route_gives_and_overwrites_nothing(site, tmp_path):
    shutil.copytree(site[0].directory.root, tmp_path / "data")
    made = asked(site, "json").json()
    names = [run["name"] for run in made["runs"]]
    where = ["--project", "little", "--data-dir", str(tmp_path / "data"), "--out"]
    for form in ("html", "csv", "json"):
        given = ["report", *names, *where, str(tmp_path / f"r.{form}")]
        done = CliRunner().invoke(commands, given)
        assert done.exit_code == 0, done.output
    assert "overwrites nothing" in str(CliRunner().invoke(commands, given).exception)
    written = json.loads((tmp_path / "r.json").read_text())
    assert all(written[key] == made[key] for key in ("analysis", "runs", "labels"))
    assert (tmp_path / "r.csv").read_bytes().decode() == asked(site, "csv").text
    assert "is a page" in str(CliRunner().invoke(commands, [*given[:-1], "r.txt"]).exception)


def test_a_run_alone_and_too_many_runs(site):
    studio, project, made, client = site
    where = f"/api/projects/{project}/analysis/report"
    alone = client.get(where, params={"runs": str(made[0])})
    assert alone.status_code == 200 and "One run alone" in alone.text
    many = client.get(where, params={"runs": ",".join([str(made[0])] * 5)})
    assert many.status_code == 400 and "at most 4" in many.text
    empty = library.new_project(studio, "empty")
    assert client.get(f"/api/projects/{empty}/analysis/report?runs=1").status_code == 404
