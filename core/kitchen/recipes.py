"""The tasks of the kitchen: goals, and the order in which their actions are done."""

from dataclasses import dataclass

from core.kitchen.world import ACTIONS, Action


@dataclass(frozen=True, slots=True)
class Step:
    """A place in a task's script: one of `choices`, done with the given chance."""

    choices: tuple[Action, ...]
    chance: float = 1.0


@dataclass(frozen=True, slots=True)
class Task:
    """A goal, the vessel it happens in, and the order of its steps."""

    name: str
    vessel: str
    steps: tuple[Step, ...]

    @property
    def actions(self) -> tuple[Action, ...]:
        """Every action that may occur, in script order, each once."""
        return tuple(dict.fromkeys(a for step in self.steps for a in step.choices))


def _task(name: str, vessel: str, script: str) -> Task:
    """Read a script: steps by ';', alternatives by '|', an optional step ends in '?'."""
    steps = []
    for part in script.split(";"):
        text = part.strip()
        chance = 0.5 if text.endswith("?") else 1.0
        keys = text.rstrip("?").split("|")
        steps.append(Step(tuple(ACTIONS[key.strip()] for key in keys), chance))
    return Task(name, vessel, tuple(steps))


TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        _task("make tea", "cup", "take:cup; pour:water; sprinkle:sugar|sprinkle:honey; stir:tea; "
              "pour:milk; stir:tea; taste:tea?; put_away:milk?; wipe:cloth?"),
        _task("make coffee", "cup", "take:cup; open:coffee; sprinkle:coffee; close:coffee; "
              "pour:water; sprinkle:sugar?; shake:milk?; pour:milk|pour:cream; put_away:milk?"),
        _task("make salad", "bowl", "take:bowl?; wash:tomato; slice:tomato; wash:cucumber; "
              "peel:cucumber?; slice:cucumber; wash:lettuce?; chop:lettuce; shake:vinegar?; "
              "pour:vinegar|pour:oil; sprinkle:salt; whisk:salad"),
        _task("make soup", "pot", "wash:potato; peel:potato; chop:potato; drop:potato; pour:water; "
              "peel:onion?; chop:onion?; drop:onion?; sprinkle:salt; sprinkle:pepper?; stir:soup; "
              "taste:soup"),
        _task("make pancakes", "bowl", "take:bowl?; sprinkle:flour; sprinkle:sugar; take:egg?; "
              "drop:egg; pour:milk; whisk:batter; pour:oil?; put_away:flour?; put_away:milk?"),
        _task("make sandwich", "board", "take:bread; slice:bread; take:butter?; spread:butter; "
              "open:jam|open:honey; spread:jam|spread:honey; close:jam|close:honey; slice:cheese?; "
              "put_away:bread?; put_away:butter?; wipe:board?"),
        _task("make sauce", "pot", "wash:tomato; wash:onion?; chop:onion; pour:oil; drop:onion; "
              "slice:tomato; drop:tomato; drop:mushroom?; sprinkle:pepper; stir:sauce; "
              "taste:sauce"),
        _task("bake bread", "bowl", "sprinkle:flour; sprinkle:salt; pour:water; pour:oil; "
              "whisk:dough; knead:dough; drop:butter?; put_away:flour; put_away:oil?; wipe:cloth"),
        _task("make omelette", "bowl", "take:egg; drop:egg; pour:cream; sprinkle:salt; "
              "sprinkle:pepper; whisk:batter; wash:mushroom; chop:mushroom|slice:mushroom; "
              "take:cheese?; grate:cheese; drop:cheese?; put_away:cheese?"),
        _task("make fruit salad", "bowl", "wash:apple; peel:apple; slice:apple; chop:apple?; "
              "wash:lemon; slice:lemon; drop:apple; drop:lemon; open:honey; sprinkle:honey; "
              "close:honey; shake:juice; pour:juice; whisk:salad"),
        _task("make vegetable stew", "pot", "wash:carrot; peel:carrot; slice:carrot|chop:carrot; "
              "slice:zucchini|chop:zucchini; slice:potato; drop:carrot; drop:zucchini?; "
              "drop:potato; sprinkle:rice; pour:water; stir:soup; taste:soup"),
        _task("make carrot cake", "bowl", "grate:carrot; grate:apple?; sprinkle:flour; "
              "drop:carrot; drop:egg; drop:butter; open:sugar; sprinkle:sugar; close:sugar; "
              "whisk:batter; slice:onion?"),
        _task("make toast", "board", "take:bread; slice:bread; open:honey; spread:honey; "
              "close:honey; open:jam; spread:jam; close:jam; drop:lettuce?; put_away:bread; "
              "sprinkle:jam?"),
        _task("make dressing", "bowl", "shake:oil; pour:oil; shake:vinegar; pour:vinegar; "
              "sprinkle:pepper; drop:lemon; pour:cream?; drop:cheese?; whisk:salad; "
              "put_away:oil; wipe:cloth|wipe:bowl?"),
    )
}  # fmt: skip

DEMO_TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        _task("make tea", "cup", "take:cup; pour:water; sprinkle:sugar; stir:tea; pour:milk; "
              "stir:tea; sprinkle:sugar?; pour:milk?; stir:tea"),
        _task("make salad", "bowl", "wash:tomato|wash:cucumber; slice:tomato|slice:cucumber; "
              "wash:cucumber|wash:tomato; slice:cucumber|slice:tomato; pour:oil; sprinkle:salt; "
              "whisk:salad; wash:cucumber|wash:tomato?; slice:cucumber|slice:tomato; whisk:salad"),
        _task("make soup", "pot", "peel:potato; slice:potato; peel:potato?; slice:potato?; "
              "take:cup?; pour:water; sprinkle:salt; stir:soup; taste:soup; pour:oil?; stir:soup; "
              "taste:soup?"),
        _task("make pancakes", "bowl", "sprinkle:flour; sprinkle:sugar; drop:egg; pour:milk; "
              "whisk:batter; sprinkle:flour; drop:egg; whisk:batter; pour:oil?; take:cup?"),
        _task("make sandwich", "board", "slice:bread; spread:butter; open:jam; spread:jam; "
              "close:jam; slice:bread; spread:butter?; open:jam; spread:jam; close:jam"),
    )
}  # fmt: skip
"""The demo project's tasks: 24 actions that share verbs and nouns."""
