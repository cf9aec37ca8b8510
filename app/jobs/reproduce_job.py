"""A reproduction job: what is left of a plan's runs, then the summary and the page."""

import json
import os
import platform
from pathlib import Path
from typing import Any

import torch
import transformers

from analysis.reproduction.report import render
from analysis.reproduction.summary import summarise
from analysis.reproduction.verdicts import RESAMPLES
from app.jobs.protocol import Ending
from app.jobs.worker import JobContext
from core.backbones import backbone_card
from core.reproduction.book import Book, reproduce
from core.reproduction.plan import PLANS, Plan
from core.types import Progress


def run(context: JobContext) -> dict[str, Any]:
    """Go on with the spec's plan and write `summary.json` and `report.html` beside its runs.

    A stopped reproduction is reported as far as it came.
    """
    plan, root = PLANS[context.spec["plan"]], Path(context.spec["folder"])
    context.stage("reproduction")
    # Another plan, or another nano, has other runs.
    folder = root / f"{plan.digest}-{backbone_card('nano').revision}"
    done = reproduce(plan, folder, context.report)
    summary = summarise(Book(folder).outcomes(plan), about(plan, folder))
    (root / "summary.json").write_text(json.dumps(summary))
    (root / "report.html").write_text(render(summary))
    context.report(Progress(1, 1, "the report is written"))
    return {
        "state": Ending.DONE if done else Ending.STOPPED,
        "report": str(root / "report.html"),
        "runs": summary["runs"],
    }


def about(plan: Plan, folder: Path) -> dict[str, Any]:
    """Say what the figures rest on: plan, model, machine, versions."""
    total = sum(1 for _ in plan.units())
    return {
        "plan": f"{plan.name}: {total} runs, {plan.seeds} seeds",
        "digest": plan.digest,
        "backbone": f"nano, revision {backbone_card('nano').revision}",
        "learning rates": Book(folder).rates(plan),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, "
        + (torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"),
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        "resamples": RESAMPLES,
    }
