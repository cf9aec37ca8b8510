"""Several runs in memory on one base: each brings its adapter, connector, heads and tokens only."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import RLock

from core.backbones import load_backbone
from core.backbones.adapters import Adapter, merged
from core.backbones.base import Backbone
from core.run_card import RunCard, read_run_card
from core.run_folder import Run, load_onto


@dataclass(frozen=True, slots=True)
class _Loaded:
    run: Run
    adapter: Adapter
    base: Backbone


class LoadedRuns:
    """Runs that take turns on the base they share: one base for each (name, revision).

    Args:
        limit: Most runs that are kept. The least recently used is dropped, and a base with its
            last run.
    """

    def __init__(self, limit: int = 16) -> None:
        self.limit = limit
        self._loaded: dict[Path, _Loaded] = {}  # the least recently used first
        self._lock = RLock()

    @contextmanager
    def using(self, folder: Path) -> Iterator[Run]:
        """Give a run, merged into its base, to one thread; others wait until it is given back.

        What is given answers inside the `with` only. Outside it has no decoder, so that it cannot
        answer with the weights of another run; a CUDA graph that was captured inside must not be
        replayed outside, for the merged weights are gone. A second run inside the `with` must have
        another base.

        Raises:
            AssertionError: The base is in use, in an outer `with` of the same thread.
            MissingArtifact: The folder is not a run, or a file is missing.
            InvalidFile: Weights are damaged, or belong to another base.
            InvalidData: A merged weight is not finite.
        """
        with self._lock:
            loaded = self._find(read_run_card(folder))
            backbone, decoder = loaded.run.classifier.backbone, loaded.base.decoder
            with merged(decoder, loaded.adapter):
                backbone.decoder = decoder
                try:
                    yield loaded.run
                finally:
                    backbone.decoder = None

    def _find(self, said: RunCard) -> _Loaded:
        """Return a run as it is on disk now, loaded or kept; it becomes the most recent one."""
        place = said.folder.resolve()
        found = self._loaded.pop(place, None)
        if found is None or found.run.about != said.about:
            base = self._base(said)
            found = _Loaded(*load_onto(base, said), base)
            found.run.classifier.backbone.decoder = None
        self._loaded[place] = found
        while len(self._loaded) > self.limit:
            del self._loaded[next(iter(self._loaded))]
        return found

    def _base(self, said: RunCard) -> Backbone:
        """Return the base of a run: that of another run, or a new one."""
        for other in self._loaded.values():
            wanted = (said.config.backbone, said.about["base"]["revision"])
            if wanted == (other.run.config.backbone, other.base.card.revision):
                return other.base
        return load_backbone(said.config.backbone)
