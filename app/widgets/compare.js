// Compare: the video, what every run says at the playhead, and their lanes below, in one clock.
(() => {
  const {api, el, say, dialog, query, remember, project, Player, Lanes, colour, clock, share, isTyping, findCell, percent, spread} = window.Studio;
  const MAX_RUNS = 4;
  const KEYS = [['Space, K', 'play or pause'], [', .', 'one frame back, on'], ['← →', 'one second back, on'], ['N, Shift+N', 'next, previous disagreement of the runs'],
    ['E, Shift+E', 'next, previous error of any run'], ['+ −', 'zoom'], ['Z', 'show the whole video'], ['?', 'this sheet']];

  // The questions of a joint run, and those that ask what goes on now.
  const PARTS = {step_recognition: 'step', next_step: 'next', task_recognition: 'task'}, NOW = new Set(['online_detection', 'step_recognition']);

  window.Studio.pages.compare = async root => {
    let runs = [], videos = [], data = null, chosen = [], differ = [], wrong = [], lastPanel = '';
    const player = new Player(at => follow(at));
    const lanes = new Lanes({onSeek: us => player.seek(us)});
    const video = el('select', {'aria-label': 'Video', onchange: () => open(Number(video.value))});
    const chips = el('span.st-row.cmp-chips');
    const now = el('span.cmp-now');
    const panel = el('div.cmp-panel', {'aria-live': 'off'});
    const key = (name, label, run, title) => el('button', {onclick: run, title}, `${label} `, el('kbd', {}, name));
    const bar = el('div.st-row.cmp-bar', {}, video, chips, el('span.st-space'),
      key('N', 'next ≠', () => jump(differ, 1), 'Next moment at which the runs disagree (N; Shift+N back)'),
      key('E', 'next error', () => jump(wrong, 1), 'Next moment at which a run is wrong (E; Shift+E back)'),
      el('button.st-quiet', {onclick: sheet, title: 'Keys (?)', 'aria-label': 'Keys'}, el('kbd', {}, '?')));
    const empty = el('div.st-empty.st-card', {hidden: true});
    const work = el('div.cmp-work', {}, bar, el('div.cmp-top', {}, player.element,
      el('div.st-card.cmp-side', {}, now, panel)), el('div.st-card.cmp-lanes', {}, lanes.element));
    root.replaceChildren(empty, work);

    const {current} = await project();
    if (!current) return nothing('There is no project yet.', 'Add a folder', '/');
    [videos, runs] = await Promise.all([api(`/api/projects/${current.id}/videos`), api(`/api/projects/${current.id}/runs`)]);
    videos = videos.filter(v => v.health === 'good' || v.health === 'damaged');
    if (!videos.length) return nothing('No video can be shown yet. Add a folder, or wait until the first ones are there.', 'To the library', '/');
    const asked = query().get('runs');
    const ready = runs.filter(r => r.state === 'ready' || (asked && asked.split(',').includes(String(r.id))));
    chosen = asked ? asked.split(',').map(Number).filter(id => runs.some(r => r.id === id)).slice(0, MAX_RUNS) : newestOfEach(ready);
    const first = Number(query().get('video')) || (await api(`/api/projects/${current.id}/first-video`)).video || videos[0].id;
    fillVideos(first);
    fillChips();
    await open(first, Number(query().get('t') || 0) * 1e6);
    listen();

    function nothing(text, action, href) {
      work.hidden = true; empty.hidden = false;
      empty.replaceChildren(el('p', {}, text), el('button.main', {onclick: () => { location.href = href; }}, action));
    }

    // The newest run of each classifier, in the order G, D, GAD.
    function newestOfEach(list) {
      return ['generative', 'discriminative', 'gad'].map(kind => list.find(r => r.classifier === kind)?.id).filter(Boolean);
    }

    function fillVideos(id) {
      const groups = {};
      for (const v of videos) (groups[v.split || 'no split'] ||= []).push(v);
      video.replaceChildren(...['test', 'val', 'train', 'no split'].filter(s => groups[s]).map(s => {
        const group = el('optgroup', {label: s});
        group.append(...groups[s].map(v => el('option', {value: String(v.id), selected: v.id === id}, v.name)));
        return group;
      }));
    }

    function fillChips() {
      chips.replaceChildren(el('span.st-dim.st-small', {}, 'runs:'), ...chosen.map(id => {
        const run = runs.find(r => r.id === id);
        const test = run.metrics.test || run.metrics.val || run.metrics.train;
        const accuracy = test && (test.frame_accuracy || test.top1);
        return el('span.cmp-chip', {title: test ? `${run.name}: ${test.frame_accuracy ? 'frame accuracy' : 'top-1'} ${spread(accuracy)}` : run.name},
          el('b.st-mark', {}, run.mark), ` ${run.name}`, accuracy ? el('span.st-dim', {}, ` ${percent(accuracy)} %`) : null,
          el('button.st-quiet', {'aria-label': `Remove ${run.name}`, onclick: () => choose(chosen.filter(c => c !== id))}, '×'));
      }));
      const others = runs.filter(r => !chosen.includes(r.id) && r.state === 'ready');
      if (others.length && chosen.length < MAX_RUNS) {
        const add = el('select', {'aria-label': 'Add a run', onchange: () => choose([...chosen, Number(add.value)])},
          el('option', {value: ''}, '+'), others.map(r => el('option', {value: String(r.id)}, `${r.mark} ${r.name}`)));
        chips.append(add);
      }
      if (!runs.some(r => r.state === 'ready')) chips.append(el('a', {href: '/train'}, 'No trained run yet: fine-tune one'));
    }

    async function choose(list) { chosen = list; fillChips(); await open(data.video.id, player.time, true); }

    async function open(id, at = 0, keep = false) {
      video.value = String(id);
      data = await api(`/api/compare/${id}?runs=${chosen.join(',')}`);
      remember({video: id, runs: chosen.join(','), t: at ? (at / 1e6).toFixed(2) : null});
      if (!keep) await player.open(data.video, at);
      show();
      if (data.video.media === 'proxy') setTimeout(() => { if (data.video.id === id) open(id, at); }, 2500);
    }

    function show() {
      const names = new Set(data.segments.map(s => s.label));
      for (const lane of data.lanes) for (const name of lane.classes || []) names.add(name);
      window.Studio.knowClasses([...names]);
      const truth = data.segments.filter(s => s.kind === 'interval').map(s => ({a: s.start_us, b: s.end_us, label: s.label, p: 1}));
      const rows = [{name: 'truth', kind: 'truth', cells: truth}];
      const known = data.lanes.filter(lane => !lane.missing);
      for (const lane of data.lanes) rows.push(laneRow(lane));
      const agreement = agreementCells(known);
      if (agreement.length) rows.push({name: 'agree', kind: 'agree', cells: agreement});
      lanes.show(rows, data.video.duration_us, data.video.media === 'none');
      differ = starts(agreement);
      wrong = starts(merge(rows.filter(r => r.kind === 'run').flatMap(r => r.cells.filter(c => c.wrong))).map(c => ({...c, wrong: true})));
      panelFor(player.time, true);
    }

    function laneRow(lane) {
      const run = runs.find(r => r.id === lane.run), part = lane.several ? ` ${PARTS[lane.question]}` : '';
      const row = {name: lane.name + part, mark: run.mark + part, kind: 'run', cells: [], lane};
      if (lane.missing) return row;
      row.cells = lane.class.map((c, i) => {
        const a = lane.span_us ? lane.span_us[i][0] : lane.time_us[i];
        const b = lane.span_us ? lane.span_us[i][1] : lane.time_us[i + 1] ?? data.video.duration_us;
        return {a, b, i, label: lane.classes[c], p: lane.confidence[i], wrong: lane.truth[i] >= 0 && lane.truth[i] !== c};
      }).sort((x, y) => x.a - y.a);
      return row;
    }

    // Where the runs differ: at every moment what each run's own frame there says of the same question.
    function agreementCells(lanes) {
      const first = lanes.find(lane => lanes.some(other => other !== lane && same(lane, other)));
      const known = first ? lanes.filter(lane => lane === first || same(lane, first)) : [];
      if (!known.length) return [];
      const rows = known.map(laneRow), edges = [...new Set(rows.flatMap(r => r.cells.flatMap(c => [c.a, c.b])))].sort((a, b) => a - b);
      const out = [];
      for (let i = 0; i + 1 < edges.length; i++) {
        const said = rows.map(r => findCell(r.cells, edges[i])?.label).filter(Boolean);
        if (said.length < 2) continue;
        const differs = new Set(said).size > 1, last = out[out.length - 1];
        if (last && last.wrong === differs && last.b === edges[i]) last.b = edges[i + 1];
        else out.push({a: edges[i], b: edges[i + 1], wrong: differs, label: '', p: 1});
      }
      return out;
    }

    function same(a, b) { return (NOW.has(a.question) && NOW.has(b.question)) || a.question === b.question; }

    function merge(cells) {
      const out = [];
      for (const c of cells.sort((x, y) => x.a - y.a)) {
        const last = out[out.length - 1];
        if (last && c.a <= last.b) last.b = Math.max(last.b, c.b); else out.push({a: c.a, b: c.b});
      }
      return out;
    }
    function starts(cells) { return cells.filter(c => c.wrong).map(c => c.a); }

    function jump(list, direction) {
      if (!list.length) return say(list === differ ? 'The runs agree everywhere in this video.' : 'No run is wrong in this video.');
      const at = player.time;
      const next = direction > 0 ? list.find(t => t > at + 1000) ?? list[0] : [...list].reverse().find(t => t < at - 1000) ?? list[list.length - 1];
      player.pause();
      player.seek(next);
      lanes.follow(next);
    }

    function follow(at) {
      if (!data) return;
      lanes.follow(at);
      panelFor(at);
    }

    function panelFor(at, force) {
      const rows = lanes.rows.filter(r => r.kind === 'run'), cells = rows.map(r => findCell(r.cells, at));
      const truth = lanes.rows[0] ? data.segments.filter(s => s.kind === 'interval' && s.start_us <= at && at < s.end_us) : [];
      now.replaceChildren(clock(at));
      const text = `${cells.map(c => c?.i).join()}|${truth.map(s => s.id).join()}|${window.Studio.isDark()}`;
      if (text === lastPanel && !force) return;
      lastPanel = text;
      const swatch = name => el('i.cmp-swatch', {style: `background:${colour(name)}`});
      const truthNames = truth.length ? truth.map(s => s.label) : ['background'];
      panel.replaceChildren(
        el('div.cmp-truth', {}, el('span.cmp-tag', {}, 'truth'), truthNames.map(name => el('span.cmp-name', {}, swatch(name), name))),
        el(`div.cmp-runs${rows.length > 2 ? '.two' : ''}`, {}, rows.map((row, r) => runPanel(row, cells[r]))),
        ...(rows.length ? [] : [el('p.st-dim', {}, 'Choose a run above to see what it says.')]));
    }

    function runPanel(row, cell) {
      const lane = row.lane, head = el('span.cmp-tag.st-mark', {title: row.name}, row.mark);
      if (lane.missing) return el('div.cmp-run', {}, head, el('span.st-dim.st-small', {}, lane.missing));
      const cost = el('span.cmp-cost.st-dim', {title: `One answer by itself, a full window of frames, measured on this machine: ${lane.cost.passes} decoder passes, ${lane.cost.tokens} tokens, decoder '${lane.decoder}'`},
        `${+lane.cost.passes.toFixed(1)} pass${lane.cost.passes === 1 ? '' : 'es'} · ${lane.cost.ms.toFixed(1)} ms`);
      if (!cell) return el('div.cmp-run', {}, el('div.st-row', {}, head, el('span.st-dim.st-small', {}, 'no question here'), el('span.st-space'), cost));
      const bars = lane.top[cell.i].map((c, k) => {
        const name = lane.classes[c], p = lane.top_p[cell.i][k], right = lane.truth[cell.i] === c;
        return el(`div.cmp-bar1${k ? '' : '.first'}${right ? '.right' : ''}`, {}, el('span.cmp-label', {title: name}, name),
          el('span.cmp-track', {}, el('i', {style: `width:${(100 * p).toFixed(1)}%;background:${colour(name)}`})), el('span.cmp-p', {}, share(p)));
      });
      const wrote = lane.texts.length && lane.texts[cell.i] !== cell.label ? el('span.st-small.st-dim', {}, `wrote “${lane.texts[cell.i]}”`) : null;
      return el(`div.cmp-run${cell.wrong ? '.wrong' : ''}`, {}, el('div.cmp-runhead', {}, head, cell.wrong ? el('span.st-badge.bad', {}, 'wrong') : null, wrote, el('span.st-space'), cost), el('div', {}, bars));
    }

    function sheet() {
      dialog('Keys', body => body.append(el('table.st-keys', {}, KEYS.map(([k, what]) =>
        el('tr', {}, el('td', {}, k.split(', ').map(part => el('kbd', {}, part))), el('td', {}, what))))));
    }

    function listen() {
      const keys = {
        ' ': () => player.toggle(), k: () => player.toggle(), ',': () => player.stepFrame(-1), '.': () => player.stepFrame(1),
        ArrowLeft: () => player.seek(player.time - 1e6), ArrowRight: () => player.seek(player.time + 1e6),
        n: () => jump(differ, 1), N: () => jump(differ, -1), e: () => jump(wrong, 1), E: () => jump(wrong, -1),
        '+': () => lanes.zoom(1 / 1.5, player.time), '-': () => lanes.zoom(1.5, player.time), z: () => { lanes.from = 0; lanes.to = lanes.length; lanes.dirty = true; }, '?': sheet,
      };
      document.addEventListener('keydown', e => {
        if (!root.isConnected || isTyping(e) || e.ctrlKey || e.metaKey || e.altKey || !keys[e.key]) return;
        if (e.target.closest?.('button,a') && e.key === ' ') return;
        keys[e.key](); e.preventDefault(); e.stopPropagation();
      }, {capture: true});
      player.video.addEventListener('pause', () => remember({t: (player.time / 1e6).toFixed(2)}));
      player.video.addEventListener('seeked', () => remember({t: (player.time / 1e6).toFixed(2)}));
      // Predictions that arrive while one looks on appear by themselves.
      window.Studio.every(root, 3000, async () => {
        const found = await api(`/api/projects/${current.id}/runs`, undefined, {quiet: true});
        if (JSON.stringify(found) === JSON.stringify(runs)) return;
        const none = !chosen.length;
        runs = found;
        if (none) chosen = newestOfEach(runs.filter(r => r.state === 'ready'));
        fillChips();
        await open(data.video.id, player.time, true);
      });
    }
  };
})();
