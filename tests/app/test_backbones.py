"""Which backbones are offered, and one that is chosen by its folder, from the page to its run."""

import os

import pytest
from huggingface_hub import constants

from app.services import backbones, experiments, open_studio
from core.backbones import BACKBONES
from core.errors import MissingArtifact
from storage import runs
from tests.app.browser import chromium, serving, visiting
from tests.app.conftest import fill, finish, settings
from tests.core.backbones.families import write_checkpoint


@pytest.fixture(autouse=True)
def no_hub(tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


def test_every_backbone_is_listed_with_what_keeps_it_from_being_used():
    listed = {row["name"]: row for row in backbones.list_backbones()}
    assert listed.keys() == BACKBONES.keys()
    assert listed["nano"]["why_not"] == ""
    for name, row in listed.items():
        if name != "nano":
            assert not row["here"]
            assert "hf download" in row["why_not"] or "GB are there" in row["why_not"]


def test_what_needs_more_than_the_largest_gpu_says_so(tmp_path, monkeypatch):
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 2048; echo 4096\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    listed = {row["name"]: row["why_not"] for row in backbones.list_backbones()}
    assert listed["gemma-3-4b"] == "needs 23.9 GB of graphics memory, 4 GB are there"
    assert "graphics memory" not in listed["smolvlm2-500m"]


def test_a_backbone_that_is_not_there_is_refused_before_anything_is_queued(studio, project):
    with pytest.raises(MissingArtifact, match="hf download HuggingFaceTB"):
        experiments.fine_tune(studio, project, {"backbone": "smolvlm2-256m"})
    with pytest.raises(MissingArtifact, match=r"no backbone\.json and no config\.json"):
        experiments.fine_tune(studio, project, settings("/no/where"))
    assert not runs.list_runs(studio.database, project)


@pytest.mark.browser
@pytest.mark.training
def test_a_vision_language_folder_trains_from_the_page(tmp_path, little_folder):
    from app.jobs.runner import Runner

    folder = write_checkpoint("smolvlm", tmp_path / "smolvlm")
    with open_studio(tmp_path / "data") as studio:
        runner = Runner(studio, ["cpu"])
        project = fill(studio, runner, little_folder)
        with serving(studio) as base, chromium() as browser, visiting(browser, base) as visit:
            page = visit.open(f"/train?project={project}")
            page.wait_for_selector("option[value=smolvlm2-256m]", state="attached")
            choice = page.get_by_label("Backbone", exact=True)
            absent = choice.locator("option[value=smolvlm2-256m]")
            assert absent.is_disabled()
            assert "Apache-2.0 · 1.03 GB · not here" in absent.inner_text()
            page.get_by_text("that are not here or too large").click()
            page.get_by_text("hf download HuggingFaceTB/SmolVLM2-256M").wait_for()
            choice.select_option("")
            page.get_by_label("Backbone folder").fill(str(folder))
            page.get_by_label("Backbone folder").press("Tab")
            page.get_by_text("Advanced").click()
            page.get_by_label("Steps").fill("3")
            page.get_by_text("nano knows only").wait_for(state="hidden")
            page.get_by_role("button", name="Fine-tune", exact=True).click()
            page.wait_for_selector(".tr-run .st-badge:text-is('DONE')", timeout=120_000)
        finish(runner)
        made = runs.list_runs(studio.database, project)[0]
        assert made.backbone == str(folder)
        features = list(studio.directory.features.glob("smolvlm@*/2/*.safetensors"))
        assert len(features) >= 3
