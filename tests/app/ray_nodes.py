"""A Ray cluster of this machine: real nodes, each with one core, which tests may kill."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import psutil
import pytest

SMALL = {"num_cpus": 1, "object_store_memory": 80_000_000}


def require_ray() -> None:
    """Where Ray is missing, skip, or fail if GAD_REQUIRE asks for it."""
    if find_spec("ray") is None:
        if "ray" in os.environ.get("GAD_REQUIRE", ""):
            pytest.fail("Ray is required but missing: pip install 'gad-studio[ray]'")
        pytest.skip("Ray is not installed")


class Nodes:
    """A head and the nodes beside it."""

    def __init__(self, beside: int) -> None:
        from ray.cluster_utils import Cluster

        self._cluster = Cluster(
            initialize_head=True, head_node_args={**SMALL, "include_dashboard": False}
        )
        self.beside: list[Any] = [self._cluster.add_node(**SMALL) for _ in range(beside)]
        self.address = self._cluster.address

    def holds(self, node: Any, pid: int) -> bool:
        """Say whether a process is one of a node's."""
        return pid in {process.pid for process in _family(node)}

    def kill(self, node: Any) -> None:
        """Let a node end as a machine does that loses its power."""
        for process in _family(node):
            process.kill()

    def close(self) -> None:
        self._cluster.shutdown()


def _family(node: Any) -> list[psutil.Process]:
    raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
    return [raylet, *raylet.children(recursive=True)]


@contextmanager
def nodes_of_ray(monkeypatch: pytest.MonkeyPatch, beside: int = 0) -> Iterator[Nodes]:
    """Start a cluster and name it to the studio."""
    require_ray()
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_worker_niceness", "0")  # machines that run tests are busy
    nodes = Nodes(beside)
    monkeypatch.setenv("GAD_RAY_ADDRESS", nodes.address)
    try:
        yield nodes
    finally:
        nodes.close()
