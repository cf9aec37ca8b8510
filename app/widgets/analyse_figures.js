// What the panels of Analyse share: figures asked for once, words for numbers, colours of runs, and
// how plotly draws in the studio's look.
(() => {
  const {api, el, figureFiles} = window.Studio;
  window.Studio.analysePanels ||= {};
  const asked = new Map(), MANY = 300;

  // The figures of the chosen runs; asked for once while the page is open and nothing changed them.
  const figures = path => {
    if (!asked.has(path)) asked.set(path, api(path, undefined, {quiet: true}).catch(error => { asked.delete(path); throw error; }));
    return asked.get(path);
  };
  window.addEventListener('gad-data', () => asked.clear());

  // What the labels' tokens have to do with the mistakes, handed to `show`; of many labels the
  // figures come first, and their intervals when they are drawn.
  const effectsOf = async (path, labels, show) => {
    const ask = path.replace('/analysis?', '/analysis/labels?');
    try {
      if (labels > MANY) show(await figures(`${ask}&intervals=false`));
      show(await figures(ask));
    } catch (error) { show({error: error.message}); }
  };

  const number = (value, digits = 2) => value === null || value === undefined ? '–' : value.toFixed(digits);
  const within = (spread, digits = 1) => spread.value === null ? '–' : number(spread.value, digits) +
    (spread.low === null ? '' : ` [${number(spread.low, digits)},\u00a0${number(spread.high, digits)}]`);

  // Okabe and Ito's colours, told apart by colour-blind people, readable on both grounds.
  const RUNS = ['#d66c16', '#2e7bd6', '#17956f', '#b45a9e'];

  // Draw with plotly; `layout` is added to what all figures have. Returns nothing.
  const plot = (box, traces, layout = {}) => {
    const css = getComputedStyle(document.body), v = name => css.getPropertyValue(`--${name}`).trim();
    const axis = {gridcolor: v('line'), linecolor: v('line'), zerolinecolor: v('dim'), tickfont: {size: 12}, automargin: true};
    const {xaxis, yaxis, ...rest} = layout;
    window.Plotly.react(box, traces, {
      margin: {l: 44, r: 12, t: 8, b: 40}, paper_bgcolor: 'transparent', plot_bgcolor: 'transparent',
      font: {color: v('text'), size: 12, family: css.fontFamily}, showlegend: false, hovermode: 'closest',
      legend: {orientation: 'h', y: 1.14, x: 0}, hoverlabel: {bgcolor: v('surface'), font: {color: v('text')}, bordercolor: v('line')},
      ...rest, xaxis: {...axis, ...xaxis}, yaxis: {...axis, ...yaxis},
    }, {responsive: true, displaylogo: false, showSendToCloud: false, plotlyServerURL: '', displayModeBar: false});
  };

  // A box that a figure is drawn into once it is on the page, since plotly measures it; `about` says
  // of which runs and split the figure is.
  const figureBox = (about, draw) => {
    const box = Object.assign(el('div.ana-plot'), {about});
    requestAnimationFrame(() => box.isConnected && draw(box));
    return box;
  };

  async function drawn(title, box) {
    if (!box.data) return null;
    const {clientWidth: width, clientHeight: height} = box, chosen = box.parentElement.querySelector('select');
    const text = await window.Plotly.toImage(box, {format: 'svg', width, height, imageDataOnly: true});
    return {title, about: [box.about, chosen?.selectedOptions[0].text].filter(Boolean).join(' · '), width, height, node: new DOMParser().parseFromString(text, 'image/svg+xml').documentElement};
  }

  // A dot with a whisker for every row {name, value, low, high, colour}; says each in words too.
  const dots = (box, rows, title, layout = {}) => plot(box, [{
    type: 'scatter', mode: 'markers', x: rows.map(r => r.value), y: rows.map(r => r.name), marker: {size: 9, color: rows.map(r => r.colour)},
    error_x: {type: 'data', symmetric: false, array: rows.map(r => r.high === null ? 0 : r.high - r.value), arrayminus: rows.map(r => r.low === null ? 0 : r.value - r.low), thickness: 1.5, width: 5, color: getComputedStyle(document.body).getPropertyValue('--dim').trim()},
    customdata: rows.map(r => within(r, 2)), hovertemplate: '%{y}: %{customdata}<extra></extra>',
  }], {height: 58 + 26 * rows.length, yaxis: {autorange: 'reversed', showgrid: false}, xaxis: {title: {text: title, standoff: 4}}, ...layout});

  // A table whose first row names its columns; numbers stand at the right.
  const table = (head, rows) => el('table.ana-table', {},
    el('thead', {}, el('tr', {}, head.map(name => el('th', {scope: 'col'}, name)))),
    el('tbody', {}, rows.map(row => el('tr', {}, row.map((cell, i) => el(i ? 'td' : 'th', i ? {} : {scope: 'row'}, cell))))));

  // Its figure, if it has one, can be saved.
  const card = (title, note, ...children) => {
    const box = children.find(child => child?.about), heading = el('h2', {}, title);
    return el('section.st-card.ana-card', {}, box ? el('div.ana-head', {}, heading, figureFiles(() => drawn(title, box))) : heading, note ? el('p.st-dim.st-small', {}, note) : null, ...children);
  };

  // A run by its classifier's mark and its name; where space is short, by the mark if no other has it.
  const named = (context, name) => { const run = context.runs.find(each => each.name === name); return run ? `${run.mark} ${name}` : name; };
  const short = (context, name) => {
    const run = context.runs.find(each => each.name === name);
    return run && context.runs.filter(each => each.mark === run.mark).length === 1 ? run.mark : name;
  };

  const about = (runs, split) => `${runs.map(run => `${run.mark} ${run.name}`).join(', ')} · ${split}`;

  window.Studio.analysis = {figures, effectsOf, named, short, about, number, within, RUNS, plot, figureBox, dots, table, card,
    path: context => `/api/projects/${context.project.id}/analysis?runs=${context.runs.map(r => r.id).join(',')}&split=${context.split}`};
})();
