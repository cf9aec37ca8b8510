// Where runs agree, and where which of them is right: lists of moments that can be played.
(() => {
  const {findCell} = window.Studio;
  const NOW = new Set(['online_detection', 'step_recognition']);  // questions about what goes on now

  // The runs that answer the same question as the first one that shares it with another.
  function comparable(rows) {
    const known = rows.filter(row => row.kind === 'run' && row.cells.length);
    const first = known.find(row => known.some(other => other !== row && same(row.lane, other.lane)));
    return first ? known.filter(row => row === first || same(first.lane, row.lane)) : [];
  }
  function same(a, b) { return (NOW.has(a.question) && NOW.has(b.question)) || a.question === b.question; }

  // Every stretch in which nothing changes, with what each run's own frame there says.
  function stretches(rows) {
    const edges = [...new Set(rows.flatMap(r => r.cells.flatMap(c => [c.a, c.b])))].sort((a, b) => a - b);
    return edges.slice(0, -1).map((a, i) => ({a, b: edges[i + 1], cells: rows.map(r => findCell(r.cells, a))}));
  }

  function joined(parts) {
    const out = [];
    for (const {a, b, what} of parts) {
      const last = out[out.length - 1];
      if (last && last.what === what && last.b === a) last.b = b; else out.push({a, b, what});
    }
    return out;
  }

  // Where the runs differ: at every moment what each run's own frame there says of the same question.
  window.Studio.agreement = rows => {
    const said = stretches(comparable(rows)).map(({a, b, cells}) => ({a, b, labels: cells.filter(Boolean).map(c => c.label)}));
    return joined(said.filter(s => s.labels.length > 1).map(({a, b, labels}) => ({a, b, what: new Set(labels).size > 1})))
      .map(({a, b, what}) => ({a, b, wrong: what, label: '', p: 1}));
  };

  // Sets of moments: [{name, spans: [{a, b}]}], only those that any moment is in.
  window.Studio.momentSets = rows => {
    const runs = comparable(rows), sets = new Map();
    const judged = stretches(runs).filter(({cells}) => cells.every(c => c && c.known)).map(({a, b, cells}) => {
      const right = cells.flatMap((c, i) => c.wrong ? [] : [i]);
      const what = right.length === cells.length ? 'all right' : right.length === 0 ? 'all wrong'
        : right.length === 1 ? `only ${runs[right[0]].mark} right` : right.length === cells.length - 1 && cells.length > 2
          ? `only ${runs[cells.findIndex(c => c.wrong)].mark} wrong` : 'some right';
      return {a, b, what};
    });
    for (const span of joined(judged)) sets.set(span.what, [...(sets.get(span.what) || []), span]);
    const rank = name => name.startsWith('only') ? (name.endsWith('right') ? 0 : 1) : name === 'all wrong' ? 2 : name === 'all right' ? 4 : 3;
    return [...sets].map(([name, spans]) => ({name, spans})).sort((x, y) => rank(x.name) - rank(y.name) || x.name.localeCompare(y.name));
  };
})();
