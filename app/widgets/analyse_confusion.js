// Confusion: what was answered for what, as a map and as a table; a cell opens its clips.
(() => {
  const {el, api, query, remember, analysis, figureFiles, Heatmap} = window.Studio;
  const {figures, about, number, path} = analysis;
  const NONE = 'no answer', LISTED = 100;
  const FIRST = {by: 'class', unit: 'rows', norm: 'true', order: 'clustering'};

  window.Studio.analysePanels.confusion = {title: 'Confusion', build(element, context) {
    let found = null, state = {...FIRST, run: 0}, linked = query().get('cell'), names = [], rows = [], drawn = [];
    const select = (label, options, change) => el('select', {'aria-label': label, title: label, onchange: e => change(e.target.value)}, options.map(([value, text]) => el('option', {value}, text)));
    // A choice that the address keeps, unless it is the first.
    const choice = (key, label, options) => {
      const asked = query().get(key);
      if (options.some(([value]) => value === asked)) state[key] = asked;
      const element = select(label, options, value => { state[key] = value; remember({[key]: value === FIRST[key] ? null : value}); show(); });
      element.value = state[key];
      return element;
    };
    const whose = el('select', {'aria-label': 'Run', onchange: () => { state.run = whose.value; remember({of: ids()}); show(); }});
    const unit = choice('unit', 'What is counted', [['rows', 'frames'], ['segments', 'segments']]);
    const bar = el('div.st-row.ana-tools', {}, whose, unit,
      choice('by', 'Grouped by', [['class', 'by class'], ['verb', 'by verb'], ['noun', 'by noun']]),
      choice('norm', 'Share', [['true', '% of the true class'], ['predicted', '% of the answer'], ['count', 'counts']]),
      choice('order', 'Order', [['clustering', 'mixed ones together'], ['frequency', 'by frequency'], ['name', 'by name']]),
      el('span.st-space'), el('button.st-quiet', {title: 'Whole map (0)', onclick: () => map.whole()}, 'Whole'), figureFiles(drawing));
    const map = new Heatmap(tell, cell => open(cell));
    const note = el('p.ana-note', {role: 'status'});
    const filter = el('input', {type: 'search', placeholder: 'Find a class', 'aria-label': 'Find a class', value: query().get('class') || '', oninput: () => { remember({class: filter.value}); list(); }});
    const legend = el('p.st-small.st-dim.ana-legend');
    const pairs = el('div.ana-pairs');
    element.append(el('div.ana-confusion', {}, bar, note, el('div.ana-split', {}, el('div.st-card.ana-mapcard', {}, map.element, legend),
      el('div.st-card.ana-tablecard', {}, filter, pairs))));
    window.addEventListener('gad-theme', () => legends());

    async function update(now) {
      context = now;
      note.hidden = false;
      if (!context.runs.length) { found = null; note.textContent = 'Choose a run above.'; return show(); }
      note.textContent = 'Counting …';
      const asked = path(context);
      try {
        const answer = await figures(asked.replace('/analysis?', '/analysis/confusion?'));
        if (asked !== path(context)) return;
        found = answer; note.hidden = true;
      } catch (error) { found = null; note.textContent = error.message; }
      runs();
      show();
      if (found && linked) { listCell(new URLSearchParams(linked)); linked = null; }
    }

    // One run or two as the address names them, by their ids and not by their places.
    function ids() { return String(state.run).split('-').map(i => context.runs[i]?.id).join('-'); }

    function runs() {
      const known = context.runs;
      const options = known.map((run, i) => [String(i), `${run.mark} ${run.name}`]);
      // Every difference of two of them, the later minus the earlier: what it adds to the mistakes.
      known.forEach((one, i) => known.forEach((other, k) => { if (k > i) options.push([`${k}-${i}`, `${other.mark} ${other.name} − ${one.mark} ${one.name}`]); }));
      const asked = (query().get('of') || '').split('-').map(id => known.findIndex(run => run.id === Number(id))).join('-');
      if (options.some(([value]) => value === asked)) state.run = asked;
      whose.replaceChildren(...options.map(([value, text]) => el('option', {value}, text)));
      if (!options.some(([value]) => value === String(state.run))) state.run = options[0]?.[0] ?? 0;
      whose.value = String(state.run);
      unit.disabled = !found?.dense;
      unit.options[0].text = found?.dense === false ? 'clips' : 'frames';
      if (unit.disabled) state.unit = unit.value = 'rows';
    }

    function tableOf(index) {
      const run = found.runs[index], whole = state.unit === 'segments' ? run.segments : run.confusion;
      return state.by === 'class' ? {names: whole.classes, cells: whole.cells} : whole.groups[state.by];
    }

    // Cells of one run in the chosen share, by `row, column` of the table.
    function shares(index) {
      const {names: known, cells} = tableOf(index), totals = new Float64Array(known.length + 1);
      for (const [row, column, count] of cells) totals[state.norm === 'predicted' ? column : row] += count;
      return cells.map(([row, column, count]) => ({row, column, count,
        value: state.norm === 'count' ? count : 100 * count / totals[state.norm === 'predicted' ? column : row]}));
    }

    function show() {
      if (!found) { rows = []; map.show({rows: [], columns: [], cells: []}); pairs.replaceChildren(); legend.textContent = ''; return; }
      const [first, second] = String(state.run).split('-').map(Number), signed = second !== undefined;
      names = tableOf(first).names;
      rows = signed ? subtract(shares(first), shares(second)) : shares(first);
      const order = ordered(), place = new Int32Array(names.length + 1);
      order.forEach((index, at) => { place[index] = at; });
      place[names.length] = names.length;
      const noAnswer = rows.some(cell => cell.column === names.length);
      drawn = rows.map(cell => ({row: place[cell.row], column: place[cell.column], value: cell.value, right: cell.row === cell.column, cell}));
      const compared = signed ? drawn : drawn.filter(each => !each.right);
      const most = state.norm !== 'count' && !signed ? 100 : compared.reduce((high, each) => Math.max(high, Math.abs(each.value)), 0);
      const shown = order.map(index => names[index]);
      map.show({rows: shown, columns: noAnswer ? [...shown, NONE] : shown, cells: drawn, most, signed});
      state.signed = signed;
      legends();
      list();
    }

    function subtract(one, other) {
      const key = cell => cell.row * (names.length + 1) + cell.column, all = new Map(one.map(cell => [key(cell), {...cell, other: 0}]));
      for (const cell of other) {
        const there = all.get(key(cell));
        if (there) { there.value -= cell.value; there.other = cell.count; } else all.set(key(cell), {...cell, value: -cell.value, count: 0, other: cell.count});
      }
      return [...all.values()].filter(cell => cell.value);
    }

    function ordered() {
      const all = names.map((_, i) => i);
      if (state.order === 'clustering') return found.orders[state.by];
      if (state.order === 'name') return all.sort((a, b) => names[a].localeCompare(names[b]));
      const totals = new Float64Array(names.length);
      for (const [row, , count] of tableOf(Number(String(state.run).split('-')[0])).cells) totals[row] += count;
      return all.sort((a, b) => totals[b] - totals[a] || a - b);
    }

    function legends() {
      const swatch = colour => el('i.ana-swatch', {style: `background:${colour}`});
      const runs = String(state.run).split('-').map(Number).map(i => context.runs[i] ? `${context.runs[i].mark} ${context.runs[i].name}` : '');
      legend.replaceChildren(...(state.signed ? [swatch('#d66c16'), `more in ${runs[0]}  `, swatch('#2e6fcf'), `more in ${runs[1]}`] :
        [swatch('#2e6fcf'), 'right  ', swatch('#d66c16'), 'taken for another']), el('span', {}, ' · wheel zooms, a click opens the clips'));
    }

    // What is seen of the map, in words and as a drawing.
    function drawing() {
      if (!found) return null;
      const chosen = String(state.run).split('-').map(i => context.runs[i]), signed = chosen.length > 1;
      const [counted, by, share] = ['What is counted', 'Grouped by', 'Share'].map(name => bar.querySelector(`[aria-label="${name}"]`).selectedOptions[0].text);
      return {title: `Confusion ${by}, ${share}, ${counted}${signed ? ': first run − second' : ''}`, about: about(chosen, context.split), ...map.drawing(),
        legend: signed ? [['#d66c16', 'more in the first'], ['#2e6fcf', 'more in the second']] : [['#2e6fcf', 'right'], ['#d66c16', 'taken for another']]};
    }

    const answer = column => column === names.length ? NONE : names[column];
    function figure(cell) {
      if (state.norm === 'count') return state.signed ? `${cell.value > 0 ? '+' : '−'}${Math.abs(cell.value)}` : String(cell.count);
      return state.signed ? `${cell.value > 0 ? '+' : '−'}${number(Math.abs(cell.value), 1)}` : `${number(cell.value, 1)} %`;
    }
    const counted = cell => cell.other === undefined ? String(cell.count) : `${cell.count}−${cell.other}`;
    function tell({cell}) {
      const same = cell.row === cell.column;
      return `${names[cell.row]} ${same ? 'found' : `taken for ${answer(cell.column)}`}: ${counted(cell)}${state.norm === 'count' ? '' : ` · ${figure(cell)}`}`;
    }

    // The table: the largest mistakes (or changes), of the classes that the search names.
    function list() {
      const wanted = filter.value.trim().toLowerCase();
      const kept = rows.filter(cell => (state.signed || wanted || cell.row !== cell.column) &&
        (!wanted || names[cell.row].toLowerCase().includes(wanted) || answer(cell.column).toLowerCase().includes(wanted)));
      kept.sort((a, b) => (state.signed ? Math.abs(b.value) - Math.abs(a.value) : b.count - a.count) || a.row - b.row || a.column - b.column);
      const open1 = cell => ({tabindex: 0, role: 'button', onclick: () => open({cell}), onkeydown: e => { if (e.key === 'Enter') open({cell}); }});
      pairs.replaceChildren(el('table.ana-table', {},
        el('thead', {}, el('tr', {}, ['true', 'answered', 'count', state.norm === 'count' ? (state.signed ? 'change' : '') : state.signed ? 'change' : 'share'].map(name => el('th', {scope: 'col'}, name)))),
        el('tbody', {}, kept.slice(0, LISTED).map(cell => el('tr.ana-pair', open1(cell), el('td', {title: names[cell.row]}, names[cell.row]), el('td', {title: answer(cell.column)}, cell.row === cell.column ? '✓' : answer(cell.column)),
          el('td', {}, counted(cell)), el('td', {}, state.norm === 'count' && !state.signed ? '' : figure(cell)))))),
      el('p.st-small.st-dim', {}, kept.length > LISTED ? `${kept.length - LISTED} more: search for a class.` : kept.length ? '' : 'None.'));
    }

    function open({cell}) {
      const [first, second] = String(state.run).split('-').map(Number);
      // Of a difference, the clips of the run that has more of them.
      const run = found.runs[second !== undefined && cell.value < 0 ? second : first];
      const asked = new URLSearchParams({run: run.id, by: state.by, unit: state.unit, true: names[cell.row]});
      if (cell.column < names.length) asked.set('predicted', names[cell.column]);
      return listCell(asked);
    }

    // The clips of a cell {run, by, unit, true, predicted}; the address keeps which.
    async function listCell(asked) {
      const [id, truth, said] = ['run', 'true', 'predicted'].map(key => asked.get(key)), run = context.runs.find(each => each.id === Number(id));
      if (!run) return;
      const clips = await api(`/api/projects/${context.project.id}/analysis/cells?${asked}&split=${context.split}`);
      context.clips(truth === said ? `${truth}, found by ${run.name}` : `${truth} → ${said ?? NONE}, ${run.name}`, clips, {cell: asked.toString()});
    }

    return {update};
  }};
})();
