"""What actions leave behind: the state of a kitchen while its video goes on."""

from dataclasses import dataclass, field
from random import Random

from core.kitchen.motion import ON_BOARD
from core.kitchen.scripts import TimedAction
from core.kitchen.stage import Point, Stage
from core.kitchen.world import Colour, Motion

Content = tuple[str, Colour, float, float, float]
"""Something in the vessel: kind, colour, place in the opening (-1 to 1), size."""


@dataclass
class Traces:
    """What the actions so far have left behind."""

    stage: Stage
    at: dict[str, Point]
    open_lids: set[str] = field(default_factory=set)
    contents: list[Content] = field(default_factory=list)
    blended: Colour | None = None
    on_board: str | None = None
    cut: float = 0.0
    peeled: float = 0.0
    spread: list[tuple[Colour, float]] = field(default_factory=list)

    @property
    def vessel_stands(self) -> bool:
        """Whether the vessel is in its place: not before it was taken."""
        vessel, place = self.stage.vessel, self.stage.vessel_at
        return self.stage.has_vessel and self.at.get(vessel, place) == place

    def content_of(self, motion: Motion, thing: str) -> tuple[str, Colour]:
        """Return as what a thing lies in the vessel, and its colour."""
        kind = {Motion.SPRINKLE: "heap", Motion.DROP: "chunk"}.get(motion, "pool")
        look = self.stage.looks[thing]
        return kind, look.inside if kind == "chunk" else look.body

    def finish(self, step: TimedAction) -> None:
        """Change the state as the whole action does."""
        self.lay_on_board(step)
        stage, thing = self.stage, step.action.thing
        match step.action.motion:
            case Motion.SPRINKLE | Motion.DROP | Motion.POUR:
                self._drop_in(step.action.motion, thing)
            case Motion.STIR | Motion.WHISK | Motion.KNEAD:
                self.blended = stage.looks[thing].body
                self.contents = self.contents[-2:] if step.variant == 2 else []
            case Motion.SLICE | Motion.CHOP | Motion.GRATE:
                self.cut = 1.0
            case Motion.PEEL:
                self.peeled = 1.0
            case Motion.OPEN:
                self.open_lids.add(thing)
                self.at[thing] = stage.near(thing)
            case Motion.CLOSE:
                self.open_lids.discard(thing)
            case Motion.TAKE:
                self.at[thing] = stage.near(thing)
            case Motion.PUT_AWAY:
                self.at[thing] = stage.far(thing)
            case Motion.SPREAD:
                self.spread.append((stage.looks[thing].body, 1.0))
            case Motion.WASH | Motion.WIPE | Motion.SHAKE | Motion.TASTE:
                pass  # these leave nothing that can be seen

    def _drop_in(self, motion: Motion, thing: str) -> None:
        kind, colour = self.content_of(motion, thing)
        rng = Random(f"{self.stage.script.seed}/{thing}/{len(self.contents)}")
        for _ in range(2 if kind == "pool" else 3):
            x, y = rng.uniform(-0.62, 0.62), rng.uniform(-0.5, 0.5)
            self.contents.append((kind, colour, x, y, rng.uniform(0.6, 1.2)))

    def lay_on_board(self, step: TimedAction) -> None:
        """Before something is cut or peeled it lies on the board; before spreading, bread does."""
        motion, thing = step.action.motion, step.action.thing
        if motion in ON_BOARD:
            if self.on_board != thing or (self.cut and motion is not Motion.GRATE):
                self.on_board, self.cut, self.peeled, self.spread = thing, 0.0, 0.0, []
        elif motion is Motion.SPREAD and self.on_board != "bread":
            self.on_board, self.cut, self.peeled, self.spread = "bread", 1.0, 0.0, []

    def handle_lid(self, step: TimedAction, phase: str, u: float) -> None:
        """A jar stands in front while it is opened or closed; its lid is off once lifted."""
        thing = step.action.thing
        if step.action.motion is Motion.OPEN:
            self.at[thing] = self.stage.near(thing)
            if phase != "work" or u > 0.6:
                self.open_lids.add(thing)
        elif step.action.motion is Motion.CLOSE and (phase != "work" or u > 0.4):
            self.open_lids.discard(thing)
