"""Folders of features into a project: its videos where it has none, its backbone in any case."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.services import Studio
from app.services.library import add_labels, set_splits
from app.services.project_backbone import set_backbone
from core.backbones.feature_settings import write_feature_backbone
from core.errors import InvalidData
from core.feature_files import check_length
from core.feature_sets import FeatureSet, Session, SessionFault, at_frame, read, recognise
from core.types import SPLITS, grid_us
from storage import feature_videos, imports, library
from storage.feature_videos import NewFeatureVideo
from storage.imports import ImportBatch, NewSegment
from storage.library import Video, VideoFilter
from storage.states import SegmentKind


@dataclass(frozen=True, slots=True)
class FeaturePlan:
    """What an import would do: sessions that become videos, and sessions of videos that are here.

    A video that has segments keeps them. `faults` are those of the folder and of the matching.
    """

    found: FeatureSet
    new: tuple[Session, ...]
    known: tuple[tuple[Session, Video], ...]
    missing: tuple[str, ...]
    faults: tuple[SessionFault, ...]

    @property
    def taken(self) -> tuple[Session, ...]:
        """Every session that would be taken."""
        return (*self.new, *(session for session, _ in self.known))


def layout_of(paths: Sequence[Path]) -> str | None:
    """Return the layout of features that a path has, None where it holds annotations."""
    return recognise(_absolute(paths[0])) if len(paths) == 1 else None


def plan_features(studio: Studio, project: int, path: Path) -> FeaturePlan:
    """Read a folder of features and match it to the project's videos by name; nothing is written.

    In a project without video files, sessions become its videos.

    Raises:
        InvalidData: Nothing of the folder can be used.
    """
    folder = _absolute(path)
    layout = recognise(folder)
    assert layout is not None, "layout_of was not asked"
    found = read(folder, layout)
    videos = _videos_by_name(studio, project)
    has_files = any(not video.is_features for same in videos.values() for video in same)
    new, known, missing, faults = [], [], [*found.missing], [*found.faults]
    for session in found.sessions:
        same = videos.get(session.name, [])
        try:
            if same:
                known.append((session, _matching(session, same, found.features.rate)))
            elif has_files:
                missing.append(session.name)
            else:
                new.append(session)
        except InvalidData as error:
            faults.append(SessionFault(session.name, error))
    return FeaturePlan(found, tuple(new), tuple(known), tuple(missing), tuple(faults))


def _absolute(path: Path) -> Path:
    return path.expanduser().resolve()


def _videos_by_name(studio: Studio, project: int) -> dict[str, list[Video]]:
    """Return a project's videos, archived ones too, by the last part of their path."""
    found: dict[str, list[Video]] = {}
    for archived in (False, True):
        wanted = VideoFilter(archived=archived)
        for video in library.list_videos(studio.database, project, wanted):
            found.setdefault(Path(video.path).stem, []).append(video)
    return found


def _matching(session: Session, same: list[Video], rate: float) -> Video:
    """Return the one video that a session means, if it is as long."""
    if len(same) > 1:
        raise InvalidData(
            "Features must mean exactly one video",
            f"'{session.name}' can be {' or '.join(video.name for video in same)}",
            "Rename the videos, and their features.",
        )
    (video,) = same
    if Path(video.path) != session.path and video.duration_us is not None:
        check_length(session.frames, len(grid_us(video.duration_us, rate)), session.path)
    return video


def describe_features(plan: FeaturePlan) -> dict[str, Any]:
    """Return a plan as a page shows it: the three lists."""
    folder = plan.found.features
    notes = [
        f"{folder.rate:g} frames/s, {folder.tokens} token{'s' if folder.tokens > 1 else ''} of "
        f"width {folder.width}; the project will train on these features.",
        *plan.found.notes,
    ]
    if plan.new:
        notes.insert(0, f"{len(plan.new)} videos will be there without video files.")
    if kept := [video for _, video in plan.known if video.segments]:
        notes.append(f"{len(kept)} videos are labelled here already and keep their segments.")
    return {
        "format": plan.found.layout,
        "taken": [
            {
                "video": session.name,
                "file": session.path.name,
                "line": None,
                "segments": [[s.start_us, s.end_us, s.label] for s in session.segments],
                "note": session.note,
            }
            for session in plan.taken
        ],
        "missing": [
            {"video": name, "file": plan.found.name, "line": None} for name in plan.missing
        ],
        "faults": [
            {"file": fault.name, "line": None, "sentence": f"{fault.name}: {fault.error.sentence}"}
            for fault in plan.faults
        ],
        "classes": list(plan.found.classes),
        "segments": sum(len(session.segments) for session in plan.taken),
        "clipped": 0,
        "notes": notes,
    }


def commit_features(
    studio: Studio, project: int, path: Path, *, token: str, skip_faulty: bool = False
) -> dict[str, Any]:
    """Import a folder of features: all or nothing, unless faulty sessions are to be skipped.

    Raises:
        InvalidData: Sessions are faulty and are not to be skipped, or none can be taken.
    """
    plan = plan_features(studio, project, path)
    if plan.faults and not skip_faulty:
        raise InvalidData(
            "Every session must be right, or nothing is imported",
            f"{len(plan.faults)} faulty, the first: {plan.faults[0].name}: "
            + plan.faults[0].error.sentence,
            "Correct them, or import with 'skip faulty rows'.",
        )
    if not plan.taken:
        raise InvalidData(
            "An import needs features whose videos are in the project",
            f"none of {len(plan.missing)} sessions has its video here",
            "Make a project without videos for them, or add the videos first.",
        )
    folder = studio.directory.backbones / str(project) / _as_file_name(plan.found.name)
    backbone = write_feature_backbone(folder, plan.found.features, name=plan.found.name)
    with studio.database.write():
        set_backbone(studio, project, str(backbone))
        ids = _keep_videos(studio, project, plan)
        done = _import_segments(studio, project, plan, ids, token)
    return {
        "import": done.id if done else None,
        "rows": len(plan.taken),
        "videos": len(ids),
        "segments": done.segments if done else 0,
        "skipped": len(plan.faults),
        "missing": len(plan.missing),
        "clipped": 0,
        "backbone": str(backbone),
    }


def _as_file_name(name: str) -> str:
    return re.sub(r"[^0-9A-Za-z_-]+", "-", name).strip("-") or "features"


def _keep_videos(studio: Studio, project: int, plan: FeaturePlan) -> dict[str, int]:
    """Add new videos, renew known ones, set splits; returns the ids by the session's name."""
    rate = plan.found.features.rate
    rows = [_row(session, rate) for session in plan.new]
    made = feature_videos.add_feature_videos(studio.database, project, rows)
    ids = dict(zip((session.name for session in plan.new), made, strict=True))
    ids |= {session.name: video.id for session, video in plan.known}
    library.record_facts(
        studio.database,
        {
            video.id: _row(session, rate).facts
            for session, video in plan.known
            if video.is_features and Path(video.path) == session.path
        },
    )
    library.archive_videos(
        studio.database, project, [v.id for _, v in plan.known if v.archived], archived=False
    )
    unsplit = [*plan.new, *(session for session, video in plan.known if video.split is None)]
    for split in SPLITS:
        set_splits(studio, project, [ids[s.name] for s in unsplit if s.split == split], split)
    return ids


def _row(session: Session, rate: float) -> NewFeatureVideo:
    status = session.path.stat()
    return NewFeatureVideo(
        session.name, str(session.path), session.content_hash, status.st_size, status.st_mtime_ns,
        at_frame(session.frames, rate), rate, session.frames,
    )  # fmt: skip


def _import_segments(
    studio: Studio, project: int, plan: FeaturePlan, ids: dict[str, int], token: str
) -> imports.Import | None:
    """Import the segments of videos that have none; None where there are none."""
    if not plan.found.classes:
        return None
    labels = add_labels(studio, project, plan.found.classes)
    labelled = {session.name for session, video in plan.known if video.segments}
    segments = []
    for session in plan.taken:
        if session.name in labelled:
            continue
        video = ids[session.name]
        segments += [
            NewSegment(video, s.start_us, s.end_us, labels[s.label]) for s in session.segments
        ]
        segments += [NewSegment(video, a, b, None, SegmentKind.IGNORE) for a, b in session.ignored]
    if not segments:
        return None
    batch = ImportBatch(
        token=token, source=str(plan.found.features.root), format=plan.found.layout,
        segments=segments,
    )  # fmt: skip
    return imports.import_segments(studio.database, project, batch)
