"""The page of a reproduction: one HTML file with nothing loaded from elsewhere."""

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from analysis.reproduction.claims import EQUAL

_STYLE = """
:root { color-scheme: light dark; --ink: light-dark(#1b1f24, #e6e8eb); --soft: light-dark(#667,
#9aa3ad); --line: light-dark(#d8dce2, #343b45); --good: light-dark(#1a7f4b, #4cc38a);
--bad: light-dark(#b3372f, #ff7b72); --open: light-dark(#8a6d00, #d6b24c); }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); max-width: 1060px;
margin: 2rem auto; padding: 0 1rem; background: light-dark(#fff, #14181d); }
h1 { font-size: 1.6rem } h2 { font-size: 1.2rem; margin-top: 2.2rem } h3 { font-size: 1rem }
table.f { table-layout: fixed } table { border-collapse: collapse; width: 100%;
font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: .28rem .7rem .28rem 0; border-bottom: 1px solid var(--line);
vertical-align: middle } th { font-weight: 600; color: var(--soft); font-size: .85rem }
td.n, th.n { text-align: right } .soft { color: var(--soft) }
.reproduced { color: var(--good) } .not { color: var(--bad) } .undecided { color: var(--open) }
svg { display: block } svg text { fill: var(--soft); font-size: 11px }
"""
_FIGURES = {
    "accuracy": "accuracy",
    "segment_f1@10": "S-F1@10",
    "point_f1_start@1s": "P-F1@1s",
    "diversity": "diversity",
}
_STUDIES = {
    "steps": "Step recognition, recipes",
    "online": "Online detection, recipes",
    "next": "Next-step forecasting, recipes",
    "map": "The map: step recognition, free order of actions",
}


def render(summary: Mapping[str, Any]) -> str:
    """Return the report as one HTML page."""
    about = summary["about"]
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Reproduction on the kitchen world</title><style>{_STYLE}</style>
<h1>Discriminative, generative, GAD: the paper's comparison on the kitchen world</h1>
{_about(about, summary["runs"])}
<h2>Claims</h2>
<p class="soft">Differences are first − second, paired by seed and video; intervals (95 %) from
{about.get("resamples", "")} resamples of seeds and videos; p by Holm over all comparisons.
"Equal" means that the interval lies within ± {EQUAL} points. Written down before the first run.
† was still learning when its budget ended: its validation accuracy rose by more than {EQUAL} points
in the last third of the steps.</p>
{"".join(_claim(claim) for claim in summary["claims"] if claim["name"] != "map")}
{_map(summary["claims"])}
<h2>Speed of one answer</h2>
{_speed(summary["speed"])}
{"".join(_study(name, title, summary["conditions"]) for name, title in _STUDIES.items())}
</html>
"""


def _about(about: Mapping[str, Any], runs: int) -> str:
    rows = {**about, "runs": runs}
    cells = "".join(f"<tr><th>{escape(k)}</th><td>{_plain(v)}</td></tr>" for k, v in rows.items())
    return f"<table>{cells}</table>"


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{escape(str(k))}: {_plain(v)}" for k, v in value.items())
    return escape(f"{value:g}" if isinstance(value, float) else str(value))


def _claim(claim: Mapping[str, Any]) -> str:
    whose = "paper" if claim["source"] == "paper" else "our question"
    sentence = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(claim["sentence"]))
    return (
        f"<h3>{sentence} {_verdict(claim['verdict'])} "
        f'<span class="soft">({whose})</span></h3>{_forest(claim["comparisons"])}'
    )


def _verdict(verdict: str) -> str:
    return f'<b class="{verdict.split()[0]}">{verdict}</b>'


def _forest(rows: Sequence[Mapping[str, Any]]) -> str:
    """Draw differences with their intervals, one below the other."""
    if not rows:
        return '<p class="soft">No run of it yet.</p>'
    points = rows[0]["comparison"]["figure"] != "diversity"
    widest = max(abs(r[k]) for r in rows for k in ("low", "high"))
    reach = max(widest, 2 * EQUAL) if points else widest or 1.0
    lines = "".join(
        "<tr><td>{first} − {second}</td><td>{figure}</td><td>{bar}</td>"
        '<td class="n">{value:+.2f}</td><td class="n">[{low:+.2f}, {high:+.2f}]</td>'
        '<td class="n">{p:.3f}</td><td class="n">{seeds}</td><td>{verdict}</td></tr>'.format(
            first=_side(r, "first"),
            second=_side(r, "second"),
            figure=escape(r["comparison"]["study"]) + f", {_FIGURES[r['comparison']['figure']]}",
            bar=_bar(r, reach, EQUAL if points else 0.0),
            value=r["value"], low=r["low"], high=r["high"], p=r["p"], seeds=r["seeds"],
            verdict=_verdict(r["verdict"]),
        )
        for r in rows
    )  # fmt: skip
    return (
        '<table class="f"><colgroup><col style="width:26%"><col style="width:13%">'
        '<col style="width:22%"><col style="width:7%"><col style="width:14%"><col style="width:5%">'
        '<col style="width:4%"><col style="width:13%"></colgroup>'
        '<tr><th>comparison</th><th>figure</th><th></th><th class="n">difference</th>'
        '<th class="n">95 %</th><th class="n">p</th><th class="n">seeds</th><th></th></tr>'
        f"{lines}</table>"
    )


def _side(row: Mapping[str, Any], side: str) -> str:
    name = row["comparison"][side]
    return escape(name) + ("†" if name in row.get("rising", ()) else "")


def _bar(row: Mapping[str, Any], reach: float, equal: float) -> str:
    def x(value: float) -> float:
        return 110 + 100 * value / reach

    colour = {"reproduced": "--good", "undecided": "--open"}.get(row["verdict"], "--bad")
    return (
        '<svg width="220" height="18" role="img">'
        f'<rect x="{x(-equal):.1f}" y="2" width="{x(equal) - x(-equal):.1f}" height="14" '
        'fill="var(--line)" opacity=".5"/>'
        '<line x1="110" x2="110" y1="0" y2="18" stroke="var(--soft)"/>'
        f'<line x1="{x(row["low"]):.1f}" x2="{x(row["high"]):.1f}" y1="9" y2="9" '
        f'stroke="var({colour})" stroke-width="3"/>'
        f'<circle cx="{x(row["value"]):.1f}" cy="9" r="4" fill="var({colour})"/></svg>'
    )


def _map(claims: Sequence[Mapping[str, Any]]) -> str:
    shown = "".join(_claim(claim) for claim in claims if claim["name"] == "map")
    return f"<h2>Where the discriminative classifier leads</h2>{shown}" if shown else ""


def _speed(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return '<p class="soft">No run of it yet.</p>'
    lines = "".join(
        f'<tr><td>{escape(r["asked"])}</td><td class="n">{r["passes"]:g}</td>'
        f'<td class="n">{r["ms"]:.1f}</td><td class="n">{r["ratio"]:.2f} ×</td>'
        f"{_cell(r['accuracy'])}</tr>"
        for r in rows
    )
    return (
        '<p class="soft">Batch 1, merged adapter, a clip of 64 frames, one thread, medians over '
        'seeds.</p><table><tr><th>asked</th><th class="n">decoder passes</th><th class="n">ms</th>'
        f'<th class="n">of the discriminative</th><th class="n">accuracy</th></tr>{lines}</table>'
    )


def _study(name: str, title: str, conditions: Sequence[Mapping[str, Any]]) -> str:
    rows = [c for c in conditions if c["study"] == name]
    if not rows:
        return ""
    figures = list(rows[0]["figures"])
    head = "".join(f'<th class="n">{_FIGURES[f]}</th>' for f in figures)
    lines = "".join(
        f'<tr><td>{_named(c)}</td><td class="n">{c["seeds"]}</td>'
        + "".join(_cell(c["figures"][f]) for f in figures)
        + f'<td class="n">{c["lr"] or "–"}</td><td class="n">{c["trainable_parameters"]:,}</td>'
        f'<td class="n">{_number(c["cpu_seconds_per_epoch"])}</td>'
        f"<td>{_curve(c['curve'])}</td><td>{'†' if c['rising'] else ''}</td></tr>"
        for c in rows
    )
    return (
        f'<h2>{escape(title)}</h2><p class="soft">{rows[0]["videos"]} test videos. Percent [95 % '
        "over seeds and videos]; curve: validation accuracy of the first seed, 0 to 100 %.</p>"
        f'<table><tr><th>condition</th><th class="n">seeds</th>{head}'
        '<th class="n">learning rate</th><th class="n">trainable</th>'
        f'<th class="n">CPU s/epoch</th><th>learning</th><th></th></tr>{lines}</table>'
    )


def _named(condition: Mapping[str, Any]) -> str:
    name = escape(condition["condition"])
    chosen = ", ".join(condition["contexts"]) if name.endswith("auto") else ""
    return f'{name} <span class="soft">{escape(chosen)}</span>'


def _cell(figure: Mapping[str, float]) -> str:
    return (
        f'<td class="n">{figure["value"]:.1f} <span class="soft">[{figure["low"]:.1f}, '
        f"{figure['high']:.1f}]</span></td>"
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def _curve(points: Sequence[Sequence[float]]) -> str:
    if not points:
        return ""
    last = points[-1][0]
    line = " ".join(f"{118 * s / last + 1:.1f},{33 - 0.32 * a:.1f}" for s, a in points)
    return (
        '<svg width="120" height="34" role="img"><polyline fill="none" stroke="var(--ink)" '
        f'points="{line}"/></svg>'
    )
