"""kill -9 at any moment, also while a checkpoint is written: the end is as if nothing happened."""

import logging
import random
import signal
import time
from pathlib import Path

import pytest

from core.checkpoints import numbered
from core.resuming import fault_of
from core.run_folder import load_run
from tests.core.killed_training import losses, said_so_far, start

log = logging.getLogger(__name__)

pytestmark = [pytest.mark.training, pytest.mark.fault]


def killed_and_resumed(
    backbone: Path | str, width: int, steps: int, folder: Path, kills: int, seed: int
) -> list[str]:
    """Kill a training again and again, then let it end; returns where it was killed."""
    chance, said = random.Random(seed), []
    whole = start(backbone, width, steps, folder / "whole")
    for number in range(kills):
        inside = number % 2 == 0  # at a change to a checkpoint's files, else between any two losses
        die_at = chance.randrange(1, 120) if inside else None
        before = said_so_far(folder / "killed")
        process = start(backbone, width, steps, folder / "killed", die_at)
        if not inside:
            more = chance.randrange(1, 4)
            while process.is_alive() and said_so_far(folder / "killed") < before + more:
                time.sleep(chance.uniform(0, 0.02))
            process.kill()
        process.join()
        if process.exitcode == -signal.SIGKILL:
            step = max(losses(folder / "killed"), default=0)
            said.append(f"step {step}, file {die_at}" if inside else f"step {step}")
        for checkpoint in numbered(folder / "killed" / "run" / "checkpoints"):
            assert not fault_of(checkpoint), "what has its name is whole"
    last = start(backbone, width, steps, folder / "killed")
    last.join()
    whole.join()
    assert (last.exitcode, whole.exitcode) == (0, 0)
    return said


def assert_same(folder: Path, steps: int) -> None:
    whole, killed = losses(folder / "whole"), losses(folder / "killed")
    assert whole.keys() == killed.keys() == set(range(1, steps + 1))
    assert killed == whole
    one, two = (load_run(folder / name / "run") for name in ("whole", "killed"))
    assert one.about["kept"] == two.about["kept"]
    for name, tensor in one.classifier.state_dict().items():
        assert tensor.equal(two.classifier.state_dict()[name]), name


def test_a_training_killed_twice_ends_with_the_very_losses_and_weights(tiny_folder, tmp_path):
    assert len(killed_and_resumed(tiny_folder, 6, 12, tmp_path, kills=2, seed=1)) == 2
    assert_same(tmp_path, 12)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_twenty_kills_change_nothing(tmp_path):
    said = killed_and_resumed("nano", 768, 80, tmp_path, kills=20, seed=2)
    log.info("killed %d times: %s", len(said), ", ".join(said))
    assert len(said) == 20
    assert_same(tmp_path, 80)
