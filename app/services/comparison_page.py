"""The page of a comparison of runs: one HTML file with nothing loaded from elsewhere.

Every figure stands in a `data` element with its full value, as the JSON has it; all text that a
person wrote is escaped.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import Any

_STYLE = """
:root { color-scheme: light dark; --ink: light-dark(#1b1f24, #e6e8eb); --soft: light-dark(#566170,
#9aa3ad); --line: light-dark(#d8dce2, #343b45); --mark: light-dark(#2f6fd0, #6ea8fe); }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); max-width: 1060px;
margin: 2rem auto; padding: 0 1rem; background: light-dark(#fff, #14181d); overflow-wrap: anywhere }
h1 { font-size: 1.6rem } h2 { font-size: 1.2rem; margin-top: 2rem } h3 { font-size: 1rem }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: .25rem .7rem .25rem 0; border-bottom: 1px solid var(--line) }
th { font-weight: 600; color: var(--soft); font-size: .85rem } .soft { color: var(--soft) }
svg { display: block } svg text { fill: var(--soft); font-size: 11px }
.side { display: flex; flex-wrap: wrap; gap: 2rem }
@media print { :root { color-scheme: light } body { margin: 0; max-width: none }
tr, figure, svg { break-inside: avoid } h2, h3 { break-after: avoid } }
"""
# No script runs in it, whatever somebody called a label, and nothing is fetched.
_POLICY = (
    '<meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
)
_PAIR = {
    "accuracy_difference": "accuracy of the first − the second, points",
    "same": "say the same, %",
    "double_fault": "both wrong, %",
    "q": "Q",
    "kappa": "kappa",
}
_TRUST = {"ece": "ECE, %", "ece_equal_mass": "ECE by equal mass, %", "brier": "Brier", "nll": "NLL"}
_SHOWN = 12
_INTERVALS = "Intervals are of 95 %: over videos; of diversity, over draws of as many mistakes."

Row = Sequence[str]


def render(report: Mapping[str, Any]) -> str:
    """Return the report as one HTML page."""
    about, analysis = report["about"], report["analysis"]
    names = [run["run"] for run in analysis["runs"]]
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8">{_POLICY}<meta name="viewport" content="width=device-width">
<title>{escape(" · ".join(names))}</title><style>{_STYLE}</style>
<h1>{escape(about["project"])}: {escape(" · ".join(names))}</h1>
{_about(about, analysis)}
<h2>Settings that differ</h2>{_settings(report["runs"])}
<h2>Metrics</h2>{_metrics(report["runs"])}
<h2>Accuracy</h2>{_accuracy(analysis["runs"])}
<h2>Diversity of the mistakes, nats</h2>{_diversity(analysis["runs"])}
<h2>Agreement</h2>{_agreement(analysis["agreement"])}
<h2>Most frequent mistakes</h2>{_each(analysis["runs"], _mistakes)}
<h2>Recall by class</h2>{_gains(analysis["per_class"], names)}
<h2>Labels that share tokens</h2>{_labels(report)}
<h2>Calibration</h2>{_trust(analysis["runs"])}
</html>
"""


def _number(value: float | None, digits: int = 2) -> str:
    """Return a figure: short for the eye, whole in its `data` element."""
    if value is None:
        return "–"
    short = f"{value:,}" if isinstance(value, int) else f"{value:.{digits}f}"
    return f'<data value="{value!r}">{short}</data>'


def _spread(found: Mapping[str, Any], digits: int = 2) -> str:
    if found["low"] is None or found["high"] is None:
        return _number(found["value"], digits)
    low, high = _number(found["low"], digits), _number(found["high"], digits)
    return f'{_number(found["value"], digits)} <span class="soft">[{low}, {high}]</span>'


def _table(head: Row, rows: Iterable[Row]) -> str:
    """Return a table; its cells are HTML already, its head is text."""
    lines = "".join("<tr>" + "".join(f"<td>{c}</td>" for c in row) + "</tr>" for row in rows)
    return "<table><tr>" + "".join(f"<th>{escape(h)}</th>" for h in head) + f"</tr>{lines}</table>"


def _soft(text: str) -> str:
    return f'<p class="soft">{escape(text)}</p>'


def _each(runs: Sequence[Mapping[str, Any]], draw: Callable[[Mapping[str, Any]], str]) -> str:
    return "".join(f"<h3>{escape(run['run'])}</h3>{draw(run)}" for run in runs)


def _about(about: Mapping[str, Any], analysis: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    rows = {
        "split": about["split"], "task": analysis["task"], "made": about["made"],
        "labels and videos": about["data_hash"], "versions": versions,
    }  # fmt: skip
    left = len(analysis["left_out"])
    counts = [["videos", _number(analysis["videos"])], ["not predicted by all", _number(left)]]
    lines = counts + [[escape(key), escape(str(value))] for key, value in rows.items()]
    return _table(["", ""], lines) + _soft(_INTERVALS)


def _settings(runs: Sequence[Mapping[str, Any]]) -> str:
    keys = dict.fromkeys(key for run in runs for key in run["settings"])
    values = {key: [str(run["settings"].get(key, "–")) for run in runs] for key in keys}
    differ = {key: of_runs for key, of_runs in values.items() if len(set(of_runs)) > 1}
    if not differ:
        return _soft("None." if len(runs) > 1 else "One run alone.")
    rows = [[escape(key), *map(escape, of_runs)] for key, of_runs in differ.items()]
    return _table(["", *(run["name"] for run in runs)], rows)


def _metrics(runs: Sequence[Mapping[str, Any]]) -> str:
    by_run = [{metric["key"]: metric for metric in run["metrics"]} for run in runs]
    keys = dict.fromkeys(key for metrics in by_run for key in metrics)
    if not keys:
        return _soft("None is stored for this split.")
    rows = [
        [escape(key), *(_spread(of[key]) if key in of else "–" for of in by_run)] for key in keys
    ]
    return _table(["", *(run["name"] for run in runs)], rows)


def _accuracy(runs: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        [escape(run["run"]), _bar(run["accuracy"], 0, 100), _spread(run["accuracy"])]
        for run in runs
    ]
    return _table(["run", "0 to 100 %", "accuracy, %"], rows)


def _bar(found: Mapping[str, Any], least: float, most: float) -> str:
    """Draw a value with its interval on a line from `least` to `most`."""
    if found["value"] is None:
        return ""

    def x(value: float) -> float:
        return 5 + 210 * (value - least) / (most - least)

    low, high = (found["value"] if found[k] is None else found[k] for k in ("low", "high"))
    return (
        '<svg width="220" height="16" role="img"><line x1="5" x2="215" y1="8" y2="8" '
        f'stroke="var(--line)"/><line x1="{x(0):.1f}" x2="{x(0):.1f}" y1="0" y2="16" '
        f'stroke="var(--soft)"/><line x1="{x(low):.1f}" x2="{x(high):.1f}" y1="8" y2="8" '
        f'stroke="var(--mark)" stroke-width="3"/><circle cx="{x(found["value"]):.1f}" cy="8" r="4" '
        'fill="var(--mark)"/></svg>'
    )


def _diversity(runs: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for run in runs:
        for kind, found in run["diversity"].items():
            matched = found["matched"]
            same_size = _spread(matched | {"value": matched["mean"]})
            shown = [_number(found["score"]), same_size, _number(found["mistakes"])]
            rows.append([escape(run["run"]), escape(kind.replace("_", " ")), *shown])
    return _table(["run", "", "diversity", "with as many mistakes as the other", "mistakes"], rows)


def _agreement(found: Mapping[str, Any] | None) -> str:
    if not found:
        return _soft("One run alone.")
    parts = []
    for pair in found["pairs"]:
        rows = [[escape(name), _spread(pair[key])] for key, name in _PAIR.items()]
        rows.append(["McNemar over whole segments, p", _number(pair["mcnemar"]["p"], 4)])
        apart = pair["accuracy_difference"]
        reach = max((abs(apart[k]) for k in apart if apart[k] is not None), default=0) or 1.0
        parts.append(
            f"<h3>{escape(' and '.join(pair['runs']))}</h3>{_table(['', ''], rows)}"
            f'<figure>{_bar(apart, -reach, reach)}<figcaption class="soft">difference of accuracy, '
            f"± {reach:.1f} points</figcaption></figure>"
        )
    alone = [[f"only {escape(n)} is right", _number(c)] for n, c in found["only_right"].items()]
    rows = [["at least one is right, %", _spread(found["oracle"])], *alone]
    return "".join(parts) + _table(["all runs", ""], rows)


def _mistakes(run: Mapping[str, Any]) -> str:
    rows = [
        [escape(p["true"]), escape(p["predicted"]), _number(p["count"]), _number(p["share"], 1)]
        for p in run["confusion"]["pairs"][:_SHOWN]
    ]
    return _table(["true", "taken for", "rows", "% of the true"], rows)


def _gains(classes: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str:
    """Return the classes on which the last run differs most from the first, or the worst of one."""
    ordered = sorted(
        classes, key=lambda each: (each["recall"][-1] - each["recall"][0], each["name"])
    )
    if len(names) == 1:
        ordered = sorted(classes, key=lambda each: (each["recall"][0], each["name"]))
    shown = ordered
    if len(ordered) > 3 * _SHOWN:
        shown = ordered[:_SHOWN] + ordered[-_SHOWN:]
    rows = [
        [escape(each["name"]), _number(each["rows"]), *(_number(r, 1) for r in each["recall"])]
        for each in shown
    ]
    note = (
        f"{len(shown)} of {len(ordered)} classes: those that the last run breaks or repairs most."
    )
    return _soft(note if len(names) > 1 else "Lowest first.") + _table(
        ["class", "rows", *(f"{name}, %" for name in names)], rows
    )


def _labels(report: Mapping[str, Any]) -> str:
    found = report["labels"]
    if found is None:
        return _soft(report["no_labels"])
    rows = [
        [escape(run["run"]), what, escape(key.replace("_", " ")), _spread(spread)]
        for run in found["runs"]
        for kind, what in (("of_recall", "recall"), ("of_pairs", "mixed pairs"))
        for key, spread in run[kind].items()
    ]
    return _table(["run", "rank correlation of", "with", ""], rows)


def _trust(runs: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        [escape(run["run"]), *(_number(run["calibration"][key]) for key in _TRUST)] for run in runs
    ]
    curves = "".join(
        f'<figure><figcaption class="soft">{escape(run["run"])}</figcaption>'
        f"{_curve(run['calibration']['equal_width'])}</figure>"
        for run in runs
    )
    return _table(["run", *_TRUST.values()], rows) + f'<div class="side">{curves}</div>'


def _curve(bins: Sequence[Mapping[str, Any]]) -> str:
    """Draw how often answers are right against how sure they are; dots grow with their rows."""
    most = max((b["rows"] for b in bins), default=1)
    dots = "".join(
        f'<circle cx="{20 + 1.6 * b["confidence"]:.1f}" '
        f'cy="{170 - 1.6 * b["accuracy"]:.1f}" r="{2 + 5 * (b["rows"] / most) ** 0.5:.1f}" '
        'fill="var(--mark)"/>'
        for b in bins
    )
    return (
        '<svg width="200" height="190" role="img"><rect x="20" y="10" width="160" height="160" '
        'fill="none" stroke="var(--line)"/><line x1="20" y1="170" x2="180" y2="10" '
        f'stroke="var(--soft)" stroke-dasharray="4"/>{dots}'
        '<text x="20" y="186">confidence, 0 to 100 %</text>'
        '<text x="24" y="22">accuracy</text></svg>'
    )
