// Compare: the video, what every run says at the playhead, and their lanes below, in one clock.
(() => {
  const {api, el, say, dialog, query, remember, project, Player, Lanes, Inspector, agreement, momentSets, colour, clock, share, isTyping, findCell, percent, spread, figureFiles} = window.Studio;
  const MAX_RUNS = 8;
  const KEYS = [['Space, K', 'play or pause'], [', .', 'one frame back, on'], ['← →', 'one second back, on'], ['N, Shift+N', 'next, previous disagreement of the runs'],
    ['E, Shift+E', 'next, previous error of any run'],
    ['S, Shift+S', 'next, previous moment of the chosen list'], ['P', 'play the chosen list'], ['I', 'open or fold what is generated'], ['+ −', 'zoom'], ['Z', 'show the whole video'], ['?', 'this sheet']];

  // The questions of a joint run.
  const PARTS = {step_recognition: 'step', next_step: 'next', task_recognition: 'task'};

  window.Studio.pages.compare = async root => {
    let runs = [], videos = [], data = null, chosen = [], differ = [], wrong = [], sets = [], lastPanel = '', inTurn = null;
    const player = new Player(at => follow(at));
    const lanes = new Lanes({onSeek: us => { inTurn = null; player.seek(us); }});
    const inspector = new Inspector(() => layout());
    const video = el('select', {'aria-label': 'Video', onchange: () => open(Number(video.value))});
    const chips = el('span.st-row.cmp-chips');
    const now = el('span.cmp-now');
    const panel = el('div.cmp-panel', {'aria-live': 'off'});
    const key = (name, label, run, title) => el('button', {onclick: run, title}, `${label} `, el('kbd', {}, name));
    const list = el('select.cmp-sets', {'aria-label': 'Moments', title: 'A list of moments: S goes to the next one, Shift+S back', onchange: () => { remember({moments: list.value}); list.blur(); }});
    const play = el('button', {onclick: () => playList(), title: 'Play the moments of the list one after the other (P)', 'aria-label': 'Play the list'}, '▶');
    const bar = el('div.st-row.cmp-bar', {}, video, chips,
      el('span.st-row.cmp-list', {}, list, key('S', 'next', () => step(1), 'Next moment of the list (S; Shift+S back)'), play),
      key('N', '≠', () => jump(differ, 1), 'Next moment at which the runs disagree (N; Shift+N back)'),
      key('E', 'error', () => jump(wrong, 1), 'Next moment at which a run is wrong (E; Shift+E back)'),
      el('button.st-quiet', {onclick: sheet, title: 'Keys (?)', 'aria-label': 'Keys'}, el('kbd', {}, '?')));
    const empty = el('div.st-empty.st-card', {hidden: true});
    const work = el('div.cmp-work', {}, bar, el('div.cmp-top', {}, player.element,
      el('div.st-card.cmp-side', {}, now, panel)), el('div.st-card.cmp-lanes', {}, lanes.element, figureFiles(lanesFigure)), inspector.element);
    root.replaceChildren(empty, work);

    const {current} = await project();
    if (!current) return nothing('There is no project yet.', 'Add a folder', '/');
    const [listed, known, {labels}] = await Promise.all(['videos', 'runs', 'labels'].map(what => api(`/api/projects/${current.id}/${what}`)));
    [videos, runs] = [listed, known];
    window.Studio.knowLabels(labels);
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
      const truth = data.segments.filter(s => s.kind === 'interval').map(s => ({a: s.start_us, b: s.end_us, label: s.label, p: 1}));
      const rows = [{name: 'truth', kind: 'truth', cells: truth}, ...data.lanes.map(laneRow)];
      const agree = agreement(rows);
      sets = momentSets(rows);
      fillSets();
      if (agree.length) rows.push({name: 'agree', kind: 'agree', cells: agree});
      lanes.show(rows, data.video.duration_us, 0, data.video.media === 'none');
      inspector.show(data.video, rows);
      layout();
      differ = starts(agree);
      wrong = starts(merge(rows.filter(r => r.kind === 'run').flatMap(r => r.cells.filter(c => c.wrong))).map(c => ({...c, wrong: true})));
      panelFor(player.time, true);
    }

    // What is open shares the height: the lanes keep readable rows, the player takes the rest.
    function layout() {
      work.classList.toggle('inspecting', inspector.open);
      work.classList.toggle('many', chosen.length > 4);
      const shares = data.video.media === 'none' ? [.6, .4] : [.36, .22];
      lanes.fit(shares[Number(inspector.open)] * window.innerHeight);
    }

    function lanesFigure() {
      const shown = chosen.map(id => runs.find(r => r.id === id)).filter(Boolean);
      return data && {title: `What runs say of ${data.video.name}`, about: `${shown.map(r => `${r.mark} ${r.name}`).join(', ')} · height is confidence, hatched is wrong`, ...lanes.drawing()};
    }

    function laneRow(lane) {
      const run = runs.find(r => r.id === lane.run), part = lane.several ? ` ${PARTS[lane.question]}` : '';
      const alone = chosen.filter(id => runs.find(r => r.id === id)?.mark === run.mark).length === 1;
      const row = {name: lane.name + part, mark: (alone ? run.mark : `${run.mark} ${lane.name.split('-').pop()}`) + part, kind: 'run', cells: [], lane, writes: run.classifier === 'generative'};
      if (lane.missing) return row;
      row.cells = lane.class.map((c, i) => {
        const a = lane.span_us ? lane.span_us[i][0] : lane.time_us[i];
        const b = lane.span_us ? lane.span_us[i][1] : lane.time_us[i + 1] ?? data.video.duration_us;
        return {a, b, i, label: lane.classes[c], p: lane.confidence[i], known: lane.truth[i] >= 0, wrong: lane.truth[i] >= 0 && lane.truth[i] !== c};
      }).sort((x, y) => x.a - y.a);
      return row;
    }

    function merge(cells) {
      const out = [];
      for (const c of cells.sort((x, y) => x.a - y.a)) {
        const last = out[out.length - 1];
        if (last && c.a <= last.b) last.b = Math.max(last.b, c.b); else out.push({a: c.a, b: c.b});
      }
      return out;
    }
    function starts(cells) { return cells.filter(c => c.wrong).map(c => c.a); }

    function jump(times, direction) {
      if (!times.length) return say(times === differ ? 'The runs agree everywhere in this video.' : 'No run is wrong in this video.');
      go(following(times, direction));
    }

    // By frames: a moment begins somewhere within one, and the player stands in its middle.
    function following(times, direction) {
      const {frames} = player, here = player.video.seeking ? frames.index(player.wanted) : player.frame;
      return direction > 0 ? times.find(t => frames.index(t) > here) ?? times[0]
        : [...times].reverse().find(t => frames.index(t) < here) ?? times[times.length - 1];
    }

    function go(us) {
      inTurn = null;
      player.pause();
      player.seek(us);
      lanes.follow(us);
    }

    // ---- lists of moments ------------------------------------------------------------------------

    function fillSets() {
      const wanted = list.value || query().get('moments');
      list.replaceChildren(...sets.map(set => el('option', {value: set.name, selected: set.name === wanted}, `${set.name} · ${set.spans.length}`)));
      list.parentElement.hidden = !sets.length;
    }

    function spans() { return sets.find(set => set.name === list.value)?.spans || []; }

    function step(direction) {
      const found = spans();
      if (!found.length) return say('Choose two runs of one question to list their moments.');
      go(following(found.map(span => span.a), direction));
    }

    // From the moment at the playhead on, each plays from its start to its end.
    function playList() {
      const found = spans();
      if (inTurn) { inTurn = null; player.pause(); return; }
      if (!found.length) return;
      inTurn = {found, next: Math.max(0, found.findIndex(span => span.b > player.time + 1000))};
      playNext();
    }

    function playNext() {
      const span = inTurn.found[inTurn.next++];
      if (!span) { inTurn = null; return; }
      player.playSpan(span.a, span.b);
      lanes.follow(span.a);
    }

    function follow(at) {
      if (!data) return;
      if (inTurn && !player.range && !player.playing) playNext();
      lanes.follow(at);
      panelFor(at);
      inspector.follow(at, player.playing);
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
      const wrote = lane.texts.length && lane.texts[cell.i] !== cell.label ? el('span.cmp-wrote.st-small.st-dim', {title: lane.texts[cell.i]}, `wrote “${lane.texts[cell.i]}”`) : null;
      return el(`div.cmp-run${cell.wrong ? '.wrong' : ''}`, {}, el('div.cmp-runhead', {}, head, cell.wrong ? el('span.st-badge.bad', {}, 'wrong') : null, wrote, el('span.st-space'), cost), el('div', {}, bars));
    }

    function sheet() {
      dialog('Keys', body => body.append(el('table.st-keys', {}, KEYS.map(([k, what]) =>
        el('tr', {}, el('td', {}, k.split(', ').map(part => el('kbd', {}, part))), el('td', {}, what))))));
    }

    function listen() {
      const toggle = () => { inTurn = null; player.toggle(); };
      const keys = {
        ' ': toggle, k: toggle, ',': () => player.stepFrame(-1), '.': () => player.stepFrame(1),
        ArrowLeft: () => player.seek(player.time - 1e6), ArrowRight: () => player.seek(player.time + 1e6),
        n: () => jump(differ, 1), N: () => jump(differ, -1), e: () => jump(wrong, 1), E: () => jump(wrong, -1),
        s: () => step(1), S: () => step(-1), p: playList, i: () => inspector.toggle(),
        '+': () => lanes.zoom(1 / 1.5, player.time), '-': () => lanes.zoom(1.5, player.time), z: () => lanes.whole(), '?': sheet,
      };
      document.addEventListener('keydown', e => {
        if (!root.isConnected || isTyping(e) || e.ctrlKey || e.metaKey || e.altKey || !keys[e.key]) return;
        if (e.target.closest?.('button,a') && e.key === ' ') return;
        keys[e.key](); e.preventDefault(); e.stopPropagation();
      }, {capture: true});
      window.addEventListener('resize', () => { if (root.isConnected && data) layout(); });
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
