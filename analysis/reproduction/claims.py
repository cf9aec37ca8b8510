"""The comparisons, written down before the first run: the paper's claims and our own questions."""

from dataclasses import dataclass
from typing import Literal

EQUAL = 1.5
"""Two figures are called equal where the interval of their difference is within ± this (points)."""

Figure = Literal["accuracy", "segment_f1@10", "point_f1_start@1s", "diversity"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`first` − `second`, two conditions of a study, on the same seeds and videos.

    `accuracy` (of clips, or of frames) and `segment_f1@10` are in percent points; `diversity` is
    the macro mean entropy of wrong answers, in nats, at equal numbers of errors.
    """

    study: str
    first: str
    second: str
    figure: Figure = "accuracy"


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence, and the comparisons that decide it.

    `expected`: the differences are above 0 (`greater`) or within ± EQUAL (`equal`). `source` is
    the paper, or a question of our own.
    """

    name: str
    sentence: str
    expected: Literal["greater", "equal"]
    comparisons: tuple[Comparison, ...]
    source: Literal["paper", "question"] = "paper"


def _steps(first: str, second: str, figure: Figure = "accuracy") -> Comparison:
    return Comparison("steps", first, second, figure)


def _online(first: str, second: str) -> Comparison:
    return Comparison("online", first, second, "segment_f1@10")


def _map(point: str) -> Comparison:
    return Comparison("map", f"discriminative, {point}", f"text, {point}")


def _names(alignment: str) -> Comparison:
    return Comparison("map", "discriminative, base", f"text, {alignment}")


CLAIMS = (
    Claim(
        "gen-random", "The meaning of the labels' sub-words does not matter: `random` names are as "
        "good as `text`.", "equal", (_steps("text", "random"),),
    ),
    Claim(
        "overlap-free", "Without shared tokens a generative classifier is as good as the "
        "discriminative one: `desync` and `extend` equal it.", "equal",
        (_steps("desync", "discriminative"), _steps("extend", "discriminative")),
    ),
    Claim(
        "disc-gen", "The discriminative classifier beats the generative one.", "greater",
        (_steps("discriminative", "text"), _online("discriminative", "text"),
         Comparison("next", "discriminative", "text")),
    ),
    Claim(
        "gad-disc", "GAD beats the discriminative classifier.", "greater",
        (_steps("gad goal", "discriminative"), _steps("gad previous", "discriminative"),
         _online("gad previous", "discriminative"),
         Comparison("next", "gad previous", "discriminative")),
    ),
    Claim(
        "diversity", "The generative classifier's mistakes are more diverse.", "greater",
        (_steps("text", "discriminative", "diversity"),),
    ),
    Claim(
        "two-stages", "Training the text first and a head on the frozen result fails.", "greater",
        (_online("discriminative", "two stages"),),
    ),
    Claim(
        "previous-next", "In online detection the previous action is a better context than the "
        "next one.", "greater", (_online("gad previous", "gad next"),),
    ),
    Claim(
        "context-label", "Context is a better text than the label itself.", "greater",
        (_online("gad previous", "gad current"),),
    ),
    Claim(
        "text-head", "Writing the context helps more than naming it with a second head.", "greater",
        (_online("gad previous", "gad head"),),
    ),
    Claim(
        "cls", "A `[CLS]` token is better than reading the last frame.", "greater",
        (_online("gad previous", "gad without cls"),),
    ),
    Claim(
        "order", "[CLS] first is better than the text first, or both beside each other.", "greater",
        (_online("gad previous", "gad text first"), _online("gad previous", "gad parallel")),
    ),
    Claim(
        "auto", "A context chosen on validation is as good as the previous action.", "equal",
        (_online("gad auto", "gad previous"),), "question",
    ),
    Claim(
        "content", "What the context says matters: the true one beats the shuffled one.", "greater",
        (_online("gad previous", "gad shuffled"), _steps("gad goal", "gad nothing")), "question",
    ),
    Claim(
        "capped", "Capping the softmax to the labels' tokens helps the generative classifier.",
        "greater", (_steps("text capped", "text"), _steps("extend capped", "extend")), "question",
    ),
    Claim(
        "alignment", "Shared words help where they agree with appearance: native names beat the "
        "same names dealt at random.", "greater",
        (_steps("text", "text permuted"), _steps("random", "random permuted")), "question",
    ),
    Claim(
        "permuted", "Where shared words say nothing, the discriminative classifier beats the "
        "generative one.", "greater",
        (_steps("discriminative", "text permuted"), _steps("discriminative", "random permuted")),
        "question",
    ),
    Claim(
        "map", "The discriminative classifier beats the generative one at every point of the map.",
        "greater",
        tuple(_map(point) for point in (
            "base", "low overlap", "high overlap", "24 classes", "96 classes", "half the examples",
            "hard to see", "variants by thing",
        ))
        + tuple(_names(a) for a in ("permuted", "unlike_verbs", "synonyms", "long names")),
        "question",
    ),
)  # fmt: skip
"""Speed, the paper's eighth claim, is a ratio and stands in a table of its own."""
