"""A connection to a Ray cluster: tasks, their results as they come, and how a node's end shows."""

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any

from app.jobs.worker import JobContext
from core.errors import InvalidConfig, MissingArtifact, Stopped, StudioError, Unavailable

ADDRESS = "GAD_RAY_ADDRESS"
"""The variable that names the cluster, as `host:port`, or `auto` on one of its nodes."""

_NAMESPACE = "gad-studio"
_LOOK_EVERY_S = 1.0
_REPEATS = 3  # of a task whose node died
_AHEAD = 64  # tasks that are with the cluster at a time


class NodeLost(Unavailable):
    """The node of a task has ended, or the cluster gave it up."""


class Cluster:
    """Runs functions of `ray_tasks` on nodes.

    Args:
        ray: The module, imported where it is needed.
        gpus: GPUs a task takes; by default one where the cluster has any.
        cpus: CPU cores a task takes.
    """

    def __init__(self, ray: Any, gpus: int | None = None, cpus: int = 1) -> None:
        has_gpus = ray.cluster_resources().get("GPU", 0) > 0
        self.ray, self.cpus = ray, cpus
        self.gpus = int(has_gpus) if gpus is None else gpus
        self.shared_gpus = int(has_gpus)  # of a task that is one among many

    def spread(
        self, task: Callable[..., dict[str, Any]], shards: Iterable[tuple[Any, ...]],
        context: JobContext,
    ) -> Iterator[Any]:  # fmt: skip
        """Do a task for every shard and yield results as they come, in any order.

        A shard whose node dies is done again on another.

        Raises:
            Stopped: Somebody asked to stop; what is done is done.
            StudioError: A task failed.
            NodeLost: Nodes died again and again.
        """
        options = {"num_cpus": 1, "num_gpus": self.shared_gpus, "max_retries": _REPEATS}
        remote = self.ray.remote(task).options(**options)
        left = iter(shards)
        waiting = [remote.remote(*shard) for shard in islice(left, _AHEAD)]
        try:
            while waiting:
                if context.stopping:
                    raise Stopped("The work on the cluster")
                ready, waiting = self.ray.wait(waiting, timeout=_LOOK_EVERY_S)
                waiting += [remote.remote(*shard) for shard in islice(left, len(ready))]
                for reference in ready:
                    yield self._value(reference)
        finally:
            for reference in waiting:
                self.ray.cancel(reference)

    def run_alone(
        self, task: Callable[..., dict[str, Any]], *values: Any, meanwhile: Callable[[], bool]
    ) -> Any:
        """Do a task once, on a node that has room for it.

        Args:
            task: What to do.
            values: Its arguments.
            meanwhile: Called every second; answers whether to cancel the task.

        Raises:
            StudioError: The task failed.
            NodeLost: The node ended, or the task was cancelled before it began.
        """
        options = {"num_cpus": self.cpus, "num_gpus": self.gpus, "max_retries": 0}
        reference = self.ray.remote(task).options(**options).remote(*values)
        cancelled = False
        while not self.ray.wait([reference], timeout=_LOOK_EVERY_S)[0]:
            if meanwhile() and not cancelled:
                cancelled = True
                self.ray.cancel(reference)
        return self._value(reference)

    def _value(self, reference: Any) -> Any:
        try:
            said = self.ray.get(reference)
        except self.ray.exceptions.RayTaskError as error:
            raise StudioError(
                "A task on the cluster ended in a fault of the program", error.cause,
                "The log of the job holds the details; please report it.",
            ) from error  # fmt: skip
        except self.ray.exceptions.RayError as error:
            raise NodeLost(
                "The nodes of a job must stay", str(error).splitlines()[0],
                "See to the cluster, then press Resume.",
            ) from error  # fmt: skip
        if "error" in said:
            raise StudioError(*said["error"].values())
        return said["found"]


@contextmanager
def connected(environment: Mapping[str, str] = os.environ) -> Iterator[Cluster]:
    """Join the cluster that the environment names, while the block runs.

    Raises:
        MissingArtifact: Ray is not installed.
        Unavailable: The cluster does not answer.
        InvalidConfig: A setting is no number.
    """
    try:
        import ray
    except ImportError:
        raise MissingArtifact(
            "Jobs on a cluster need Ray", "it is not installed", "pip install 'gad-studio[ray]'"
        ) from None
    address = environment[ADDRESS]
    try:
        ray.init(
            address=address, namespace=_NAMESPACE, log_to_driver=False, logging_level=logging.ERROR
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise Unavailable(
            f"The Ray cluster must answer ({error})", f"{ADDRESS} is '{address}'",
            "Start it with 'ray start --head', then press Resume.",
        ) from error  # fmt: skip
    try:
        gpus, cpus = environment.get("GAD_RAY_GPUS"), environment.get("GAD_RAY_CPUS", "1")
        yield Cluster(ray, _count("GAD_RAY_GPUS", gpus) if gpus else None,
                      _count("GAD_RAY_CPUS", cpus))  # fmt: skip
    finally:
        ray.shutdown()


def _count(name: str, value: str) -> int:
    if not value.isdigit():
        raise InvalidConfig(f"{name} must be a whole number", f"it is '{value}'")
    return int(value)
