"""A reproduction from end to end, tiny: it renders, trains, stops, goes on and is reported."""

import json
from dataclasses import replace

import pytest

from analysis.reproduction.report import render
from analysis.reproduction.summary import summarise
from core.reproduction.book import Book, reproduce
from core.reproduction.plan import QUICK, Plan, Study
from core.reproduction.worlds import Pixels, World

SMALL = World(Pixels(train=3, val=1, test=2))


def tiny_plan() -> Plan:
    kept = ("untuned", "discriminative", "text")
    conditions = tuple(
        replace(c, world=SMALL, decoders=()) for c in QUICK.studies[0].conditions if c.name in kept
    )
    study = Study("steps", "step_recognition", 3, 8, conditions)
    return Plan("tiny", (study,), seeds=1, rates={"discriminative": 2e-3, "text": 2e-3})


@pytest.mark.training
@pytest.mark.slow
def test_a_stopped_reproduction_goes_on_where_it_was_and_is_reported(tmp_path):
    plan, book = tiny_plan(), Book(tmp_path)
    assert not reproduce(plan, tmp_path, lambda p: "untuned" in p.message and "done" in p.message)
    first = {path.name: path.stat().st_mtime_ns for path in tmp_path.rglob("outcomes/*.json")}
    assert "steps_untuned_0.json" in first
    said = []
    assert reproduce(plan, tmp_path, lambda p: said.append(p.message))
    assert not any("untuned" in message for message in said)
    assert (tmp_path / "outcomes" / "steps_untuned_0.json").stat().st_mtime_ns == first[
        "steps_untuned_0.json"
    ]
    outcomes = book.outcomes(plan)
    assert [o["condition"] for o in outcomes] == ["untuned", "discriminative", "text"]
    assert not list((tmp_path / "work").glob("*/*"))
    for outcome in outcomes:
        (answers,) = outcome["predicted"].values()
        assert {v: len(t) for v, t in outcome["truth"].items()} == {
            v: len(a) for v, a in answers.items()
        }
    untuned, discriminative, _ = outcomes
    assert untuned["curve"] == []
    assert untuned["trainable_parameters"] == 0
    assert discriminative["curve"][-1][0] == 3
    summary = summarise(outcomes, {"plan": "tiny"})
    json.dumps(summary, allow_nan=False)
    assert "Claims" in render(summary)
