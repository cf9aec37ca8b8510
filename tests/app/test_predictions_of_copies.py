"""Two files of one content share the features and the prediction."""

from pathlib import Path

from app.jobs.ingestion import Ingestion
from storage import jobs, library, runs
from tests.app.annotated import make
from tests.app.predicted import make_run, videos_of
from tests.storage.samples import facts


def test_a_prediction_belongs_to_every_video_of_its_content(studio, tmp_path):
    project = make(studio, tmp_path)
    run = make_run(studio, project, ("cut", "stir"))
    first, second, other = videos_of(studio, project)
    library.record_facts(studio.database, {v: facts() for v in (first.id, second.id)})
    (job,) = jobs.list_jobs(studio.database, project)
    path = studio.directory.predictions(run, facts().content_hash)
    said = {"content_hash": facts().content_hash, "path": str(path), "rows": 4, "ms": 1.0}
    event = {"type": "prediction", "at": 0.0, "passes": 1, "tokens": 1, **said}
    Ingestion(studio, job).take([event])
    kept = runs.list_predictions(studio.database, run)
    assert {each.video_id for each in kept} == {first.id, second.id}
    assert other.id not in {each.video_id for each in kept}
    assert {Path(each.path).name for each in kept} == {path.name}
