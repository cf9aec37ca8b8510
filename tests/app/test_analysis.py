"""The routes of Analyse: figures that the command prints too, and the clips behind them."""

import json
from dataclasses import asdict

import httpx
import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from analysis.significance import mcnemar
from app.api import add_routes
from app.cli import app as commands
from app.services import library, open_studio
from core.labels.overlap import overlap_of
from core.labels.tokenizers import load_tokenizer, spell_all
from storage import training_data
from tests.app.analysed import CLASSES, LABELS, add_run, fill, truth_at

TEA, SOUP, BREAD = 1, 2, 3


@pytest.fixture(scope="module")
def site(tmp_path_factory, little_folder):
    """A client of a studio with two runs: one takes soup for tea, the other bread for tea."""
    folder = tmp_path_factory.mktemp("analysis")
    with open_studio(folder / "data") as studio:
        project = fill(studio, little_folder, folder / "labels.csv")
        runs = [add_run(studio, project, [wrong]) for wrong in ((SOUP, TEA), (BREAD, TEA))]
        server = FastAPI()
        add_routes(server, studio, "token")
        yield studio, project, runs, TestClient(server)


def asked(site, path: str = "", **query) -> httpx.Response:
    _, project, runs, client = site
    query = {"runs": ",".join(map(str, runs)), "split": "test"} | query
    return client.get(f"/api/projects/{project}/analysis{path}", params=query)


def truths(site) -> dict[str, np.ndarray]:
    found = training_data.labelled_videos(site[0].database, site[1])
    return {video.name: truth_at(video) for video in found}


def test_the_route_and_the_command_give_the_same_figures(site):
    answer = asked(site)
    assert answer.status_code == 200
    names = [run["run"] for run in answer.json()["runs"]]
    where = ["--project", "little", "--data-dir", str(site[0].directory.root), "--json"]
    done = CliRunner().invoke(commands, ["analyse", *names, *where])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    separation = said.pop("map")
    assert said == answer.json()
    runs = ",".join(map(str, site[2]))
    told = site[3].get(
        f"/api/projects/{site[1]}/map", params={"runs": runs, "split": "test", "method": "pca"}
    )
    for run, of_run in zip(separation["runs"], told.json()["runs"], strict=True):
        assert run == {"run": of_run["name"], "id": of_run["id"], **of_run["figures"]}


def test_the_command_tells_how_pairs_of_runs_differ(site):
    (pair,) = asked(site).json()["agreement"]["pairs"]
    where = ["--project", "little", "--data-dir", str(site[0].directory.root)]
    text = CliRunner().invoke(commands, ["analyse", *pair["runs"], *where]).stdout
    first, second = pair["runs"]
    change, alone = pair["accuracy_difference"], pair["mcnemar"]
    assert f"accuracy of {first} − {second}: {change['value']:.2f} [{change['low']:.2f}, " in text
    assert f"{first} {alone['only_first']}, {second} {alone['only_second']}" in text
    assert f"test p = {alone['p']:.3g}" in text


def test_accuracy_gains_and_groups_are_counted_from_the_rows(site):
    found, truth = asked(site).json(), np.concatenate(list(truths(site).values()))
    soup = next(each for each in found["per_class"] if each["name"] == "stir soup")
    assert soup["rows"] == (truth == SOUP).sum()
    assert soup["right"] == [soup["rows"] // 2, soup["rows"]]
    assert soup["recall"] == pytest.approx([50, 100], abs=7)
    for run, true in zip(found["runs"], (SOUP, BREAD), strict=True):
        wrong = sum(
            (part == true).sum() - (part == true).sum() // 2 for part in truths(site).values()
        )
        assert run["accuracy"]["value"] == pytest.approx(100 * (1 - wrong / len(truth)))
    verbs = found["runs"][0]["confusion"]["groups"]["verb"]
    assert verbs["names"] == ["background", "stir", "cut"]
    assert all(row == column for row, column, _ in verbs["cells"])  # soup for tea is still stirring
    assert sorted(found["orders"]["class"]) == [0, 1, 2, 3]


def test_whole_segments_are_answered_by_most_of_their_frames(site):
    found = asked(site).json()
    segments = found["runs"][0]["segments"]
    assert sum(count for *_, count in segments["cells"]) == 8 == found["agreement"]["segments"]
    (pair,) = found["agreement"]["pairs"]
    ones = {run["run"]: run["segments"]["cells"] for run in found["runs"]}
    right = [sum(n for row, column, n in ones[name] if row == column) for name in pair["runs"]]
    test = pair["mcnemar"]
    assert test["only_first"] - test["only_second"] == right[0] - right[1]
    first = np.array([True] * test["only_first"] + [False] * test["only_second"])
    assert test["p"] == mcnemar(first, ~first).p


def test_a_cell_gives_the_stretches_that_it_counts(site):
    cell = {"run": site[2][0], "true": "stir soup", "predicted": "stir tea"}
    clips = asked(site, "/cells", **cell).json()
    found = asked(site).json()["runs"][0]["confusion"]
    count = next(n for row, column, n in found["cells"] if (row, column) == (SOUP, TEA))
    assert sum(clip["frames"] for clip in clips) == count > 0
    (name,) = {clip["name"] for clip in clips}
    places = np.flatnonzero(truths(site)[name] == SOUP)[::2]  # every other frame is alone
    assert sorted(clip["start_us"] for clip in clips) == (places * 500_000).tolist()
    assert {clip["end_us"] - clip["start_us"] for clip in clips} == {500_000}


def test_neighbouring_frames_of_a_cell_are_one_clip_and_ends_stay_in_the_video(site):
    clips = asked(site, "/cells", run=site[2][1], true="stir soup", predicted="stir soup").json()
    assert [(c["start_us"], c["end_us"], c["frames"]) for c in clips] == [(5_000_000, 9_000_000, 8)]
    whole = asked(site, "/cells", run=site[2][1], true="stir soup", predicted="stir soup",
                  unit="segments").json()  # fmt: skip
    assert [(c["start_us"], c["end_us"]) for c in whole] == [(5_000_000, 9_000_000)]
    verb = asked(site, "/cells", run=site[2][0], true="stir", predicted="stir", by="verb").json()
    assert len(verb) == 4  # soup for tea in one of them
    assert asked(site, "/cells", run=site[2][0], true="stir tea").json() == []  # always an answer


def test_what_one_run_alone_has_right_can_be_opened(site):
    counts = asked(site).json()["agreement"]["only_right"]
    for run, (name, count) in zip(site[2], counts.items(), strict=True):
        clips = asked(site, "/only-right", run=run).json()
        assert sum(clip["frames"] for clip in clips) == count > 0, name


def test_nonsense_is_refused_with_a_sentence(site):
    assert asked(site, "/cells", run=site[2][0], true="fly", predicted="fly").status_code == 404
    assert asked(site, "/only-right", run=999).status_code == 404
    assert asked(site, runs="1;drop").status_code == 422
    assert asked(site, split="exam").status_code == 422
    assert "none in 'val'" in asked(site, split="val").json()["error"]["value"]


def test_the_label_check_is_the_overlap_of_the_labels(site):
    found = asked(site, "/label-check").json()
    folder = "core/backbones/nano/decoder"
    tokens = spell_all(load_tokenizer(folder), library.classes(site[0], site[1]))
    assert {k: [i for i, _ in v] for k, v in found["tokens"].items()} == {
        name: list(tokens[name]) for name in found["tokens"]
    }
    assert "".join(piece for _, piece in found["tokens"]["stir soup"]) == " stir soup"
    overlap = overlap_of(tokens)
    assert found["overlap"] == json.loads(json.dumps(asdict(overlap)))
    assert found["noun_first"]["names"]["stir soup"] == "soup stir"
    assert found["noun_first"]["overlap"]["first_tokens"] >= overlap.first_tokens


def test_mixed_pairs_are_laid_beside_what_predicts_them(site):
    found = asked(site, "/labels").json()
    assert {each["name"] for each in found["classes"]} == set(LABELS)
    pair = next(p for p in found["pairs"] if {p["a"], p["b"]} == {"stir tea", "stir soup"})
    rows = {each["name"]: each["rows"] for each in found["classes"]}
    wrong = rows["stir soup"] - rows["stir soup"] // 2
    assert pair["mixed"] == pytest.approx([100 * wrong / (rows["stir tea"] + rows["stir soup"]), 0])
    assert pair["prefix"] > 0
    first, second = (run["of_pairs"]["prefix"]["value"] for run in found["runs"])
    assert first > 0 > second  # only the first mixes what begins alike
    assert asked(site, "/labels").json() == found
    bare = asked(site, "/labels", intervals=False).json()
    for run, other in zip(found["runs"], bare["runs"], strict=True):
        for key, figure in run["of_pairs"].items():
            assert other["of_pairs"][key] == {"value": figure["value"], "low": None, "high": None}
    assert CLASSES[0] not in rows
