// Errors: what the mistakes of runs have in common and what sets them apart.
(() => {
  const {el, api, query, remember, analysis} = window.Studio;
  const {figures, effectsOf, named, short, about, number, within, RUNS, plot, figureBox, dots, table, card, path} = analysis;
  const KINDS = {rows: 'what a class is taken for', columns: 'what is taken for a class'};
  const DIVERSITY = 'Misclassification diversity: the mean entropy of a class’s mistakes, in nats. ';

  window.Studio.analysePanels.errors = {title: 'Errors', build(element, context) {
    let found = null, effects = null, kind = query().get('diversity') || 'rows', linked = Number(query().get('only'));
    const note = el('p.ana-note', {role: 'status'}), grid = el('div.ana-grid');
    element.append(note, grid);
    window.addEventListener('gad-theme', () => draw());

    async function update(now) {
      context = now;
      note.hidden = false;
      if (!context.runs.length) { found = null; grid.replaceChildren(); note.textContent = 'Choose a run above.'; return; }
      note.textContent = 'Counting …';
      const asked = path(context);
      effects = null;
      try {
        const answer = await figures(asked);
        if (asked !== path(context)) return;
        found = answer; note.hidden = true;
      } catch (error) { found = null; note.textContent = error.message; }
      draw();
      if (!found) return;
      const only = found.runs.find(run => run.id === linked);
      if (only && found.agreement) open(only.run);
      linked = 0;
      await effectsOf(asked, found.per_class.length, answer => { if (asked === path(context)) { effects = answer; draw(); } });
    }

    const mark = name => named(context, name), brief = name => short(context, name);
    const label = run => mark(run.run);
    const colour = name => RUNS[found.runs.findIndex(run => run.run === name)];
    const unit = () => found.dense ? 'frames' : 'clips';

    function draw() {
      if (!found || element.hidden) return;
      const scroll = element.scrollTop;
      grid.replaceChildren(accuracy(), diversity(), ...(found.agreement ? [agreement(), onlyRight()] : []), calibration(), ...(found.agreement ? [gains()] : []), ...overlap());
      element.scrollTop = scroll;
    }

    const later = draw => figureBox(about(context.runs, context.split), draw);

    function accuracy() {
      const rows = found.runs.map(run => ({...run.accuracy, name: label(run), colour: colour(run.run)}));
      const body = [later(box => dots(box, rows, `accuracy over ${unit()} (%)`))];
      const {agreement: pairs} = found;
      if (pairs) body.push(table(['', 'difference, points', `only the first`, 'only the second', 'p'], pairs.pairs.map(each =>
        [`${brief(each.runs[0])} − ${brief(each.runs[1])}`, within(each.accuracy_difference), String(each.mcnemar.only_first), String(each.mcnemar.only_second), each.mcnemar.p < .001 ? '< 0.001' : number(each.mcnemar.p, 3)])),
      el('p.st-dim.st-small', {}, `The difference is of ${unit()}, bootstrapped over videos in pairs. “Only” counts the ${pairs.segments} ${found.dense ? 'segments' : 'clips'} that one run alone has right${found.dense ? ' (what most of its frames say)' : ''}; p is McNemar’s exact test on them.`));
      const left = found.left_out.length;
      return card('Accuracy', `95 % intervals over ${found.videos} videos${left ? `; ${left} more were not predicted by every run and are left out` : ''}.`, ...body);
    }

    function diversity() {
      const choices = el('select', {'aria-label': 'Diversity of', onchange: () => { kind = choices.value; remember({diversity: kind === 'rows' ? null : kind}); draw(); }},
        Object.keys(found.runs[0].diversity).map(key => el('option', {value: key, selected: key === kind}, KINDS[key.replace('_without_background', '')] + (found.dense ? key.endsWith('background') ? ', without background' : ', with background' : ''))));
      if (!found.runs[0].diversity[kind]) kind = 'rows';
      const of = found.runs.map(run => run.diversity[kind]);
      const rows = found.runs.map((run, i) => ({name: label(run), value: of[i].matched.mean, low: of[i].matched.low, high: of[i].matched.high, colour: colour(run.run)}));
      const many = of[0].matched;
      return card('Diversity of the mistakes', `${DIVERSITY}0: always the same other class.`, choices,
        rows[0].value === null ? el('p.st-dim', {}, 'No class is mistaken by all of these runs.') : later(box => dots(box, rows, 'nats, size-matched')),
        table(['run', 'plain', 'size-matched', 'mistakes', 'classes'], found.runs.map((run, i) =>
          [label(run), number(of[i].score), within({value: of[i].matched.mean, low: of[i].matched.low, high: of[i].matched.high}, 2), String(of[i].mistakes), String(of[i].per_class.length)])),
        el('p.st-dim.st-small', {}, `Size-matched: as many mistakes drawn from each run, ${many.mistakes} in ${many.classes} classes. ${found.dense ? 'Neighbouring frames are alike, so the intervals are too narrow.' : ''}`));
    }

    function agreement() {
      const {pairs, oracle} = found.agreement;
      return card('Agreement of the runs', `At least one run is right in ${within(oracle)} % of the ${unit()}.`,
        table(['runs', 'same answer, %', 'both wrong, %', 'Q', 'kappa'], pairs.map(each => [each.runs.map(brief).join(' · '), within(each.same), within(each.double_fault), within(each.q, 2), within(each.kappa, 2)])),
        el('p.st-dim.st-small', {}, 'Q near 0: their mistakes are independent; near 1: they fail on the same.'));
    }

    function onlyRight() {
      const counts = found.agreement.only_right;
      const most = Math.max(1, ...Object.values(counts));
      return card('Only one is right', `${found.dense ? 'Frames' : 'Clips'} that one run alone has right; click to see them.`,
        el('div.ana-only', {}, Object.entries(counts).map(([name, count]) => el('button', {onclick: () => open(name), disabled: !count},
          el('span', {}, mark(name)), el('span.ana-bar1', {}, el('i', {style: `width:${100 * count / most}%;background:${colour(name)}`})), el('b', {}, String(count))))));
    }
    async function open(name) {
      const run = found.runs.find(each => each.run === name).id;
      const clips = await api(`/api/projects/${context.project.id}/analysis/only-right?runs=${context.runs.map(r => r.id).join(',')}&run=${run}&split=${context.split}`);
      context.clips(`Only ${mark(name)} is right`, clips, {only: run});
    }

    function calibration() {
      const scored = found.runs.filter(run => run.calibration.rows);
      return card('Calibration', 'How often a run is right where it is so sure; the dashed line would be honest.',
        scored.length ? later(box => plot(box, [{x: [0, 100], y: [0, 100], mode: 'lines', line: {dash: 'dash', width: 1, color: '#888'}, hoverinfo: 'skip', showlegend: false},
          ...scored.map(run => ({x: run.calibration.equal_mass.map(bin => bin.confidence), y: run.calibration.equal_mass.map(bin => bin.accuracy), customdata: run.calibration.equal_mass.map(bin => bin.rows), name: label(run),
            mode: 'lines+markers', marker: {size: 6}, line: {width: 1.5, color: colour(run.run)}, hovertemplate: `%{x:.1f} % sure, %{y:.1f} % right, %{customdata} ${unit()}<extra>${label(run)}</extra>`}))],
        {height: 300, showlegend: true, xaxis: {title: {text: 'confidence (%)', standoff: 4}, range: [0, 102]}, yaxis: {title: {text: 'right (%)'}, range: [0, 102]}})) : null,
        table(['run', 'ECE, %', 'Brier', 'NLL, nats', 'without a distribution'], found.runs.map(({calibration: c, ...run}) => [label(run), number(c.ece), number(c.brier, 3), number(c.nll, 3), String(c.unscored)])));
    }

    // What the second run of a pair repairs of the first and what it breaks, class by class.
    function gains() {
      const {pairs} = found.agreement;
      // By default the last run against the first: GAD against G.
      const ids = pairs.map(each => each.runs.map(name => found.runs.find(run => run.run === name).id).join('-'));
      let pair = ids.indexOf(query().get('gains'));
      if (pair < 0) pair = found.runs.length - 2;
      const [one, other] = pairs[pair].runs.map(name => found.runs.findIndex(run => run.run === name));
      const choices = el('select', {'aria-label': 'Runs whose classes are compared', onchange: () => { remember({gains: ids[choices.value]}); draw(); }},
        pairs.map((each, i) => el('option', {value: String(i), selected: i === pair}, `${mark(each.runs[1])} against ${mark(each.runs[0])}`)));
      const changed = found.per_class.map(c => ({...c, gain: c.recall[other] - c.recall[one]})).filter(c => c.gain).sort((a, b) => a.gain - b.gain);
      const shown = changed.length > 30 ? [...changed.slice(0, 15), ...changed.slice(-15)] : changed;
      return card('Which classes are repaired, which are broken', 'Change of recall in percentage points: blue is repaired, orange is broken.', choices,
        shown.length ? later(box => plot(box, [{type: 'bar', orientation: 'h', x: shown.map(c => c.gain), y: shown.map(c => c.name), marker: {color: shown.map(c => c.gain > 0 ? '#2e7bd6' : '#d66c16')},
          customdata: shown.map(c => `${c.right[one]} → ${c.right[other]} of ${c.rows} ${unit()}`), hovertemplate: '%{y}: %{x:+.1f} points, %{customdata}<extra></extra>'}],
        {height: 60 + 18 * shown.length, xaxis: {title: {text: 'points of recall', standoff: 4}}, yaxis: {showgrid: false, tickmode: 'linear'}})) : el('p.st-dim', {}, 'No class differs.'),
        changed.length > shown.length ? el('p.st-dim.st-small', {}, `${changed.length - shown.length} classes in between are not drawn.`) : null);
    }

    function overlap() {
      if (!effects) return [card('Accuracy against the labels’ tokens', 'Reading the labels …')];
      if (effects.error) return [card('Accuracy against the labels’ tokens', effects.error)];
      const of = {shared: 'share of a label’s tokens that other labels have too (%)', tokens: 'tokens of the label'};
      return Object.entries(of).map(([key, title]) => card(key === 'shared' ? 'Accuracy against label overlap' : 'Accuracy against label length', `A point is a class; by the tokenizer of ${effects.backbone}.`,
        later(box => plot(box, effects.runs.map((run, i) => ({x: effects.classes.map(c => c[key] + (key === 'tokens' ? .08 * (i - (effects.runs.length - 1) / 2) : 0)), y: effects.classes.map((_, k) => run.recall[k]), text: effects.classes.map(c => c.name), customdata: effects.classes.map(c => [c[key], c.rows]), name: mark(run.run), mode: 'markers',
          marker: {size: 7, color: colour(run.run), opacity: .75}, hovertemplate: `%{text}: %{y:.1f} % of %{customdata[1]} ${unit()}, %{customdata[0]:.3~g}<extra>${mark(run.run)}</extra>`})),
        {height: 280, showlegend: true, xaxis: {title: {text: title, standoff: 4}}, yaxis: {title: {text: 'recall (%)'}}})),
        table(['run', 'rank correlation with recall'], effects.runs.map(run => [mark(run.run), within(run.of_recall[key], 2)]))));
    }

    return {update};
  }};
})();
