// Annotate: the player, the labels, the timeline, and what a model proposes, in one clock.
(() => {
  const Studio = window.Studio;
  const {api, el, say, query, remember, project, Player, Editor, SegmentDocument, Timeline, KeyMap, clock} = Studio;
  const SPEEDS = [0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 4], BIG = 10;

  Studio.pages.annotate = async root => {
    let preferences = {}, runs = [], videos = [], here = null, lastNow = '', lastKey = '', lastAt = 0, lastEdge = '', lastHome = 0, known = null, counting = 0;
    const player = new Player(at => follow(at));
    const doc = new SegmentDocument({onChange: () => changed(), onState: state, onConflict: (error, rows) => Studio.conflictDialog(error, rows, row => doc.name(row) || 'segment')});
    const ed = Studio.editor = new Editor({doc, player});
    const timeline = Studio.timeline = new Timeline(ed);
    Studio.listenToPointer(timeline, ed);
    const labels = new Studio.LabelPanel(ed, {add: addLabel, held: key => keys.action(key)});
    const segment = new Studio.SegmentPanel(ed, {history: row => Studio.historyDialog(ed, row)});
    const help = new Studio.HelpStrip({go, fix});
    ed.onSelect = () => { labels.fill(); segment.fill(); timeline.dirty = true; bar(); timeline.arrange(); };
    ed.chooseLabel = then => labels.focus(then, 'Which label? Type, then Enter.');

    const now = el('span.an-now'), badge = el('span.st-badge'), speed = el('button.st-quiet', {title: 'Speed: J slower, L faster, K twice normal', onclick: () => setSpeed(1)});
    const video = el('select.an-video', {'aria-label': 'Video', onchange: () => { open(Number(video.value)); video.blur(); }});
    const run = el('select', {'aria-label': 'Proposals of', title: 'Whose proposals are shown', onchange: () => { propose(Number(run.value) || null); run.blur(); }});
    const tools = el('div.st-row.an-tools'), toggles = {};
    const empty = el('div.st-empty.st-card', {hidden: true});
    const stage = el('div.an-stage', {}, player.element, el('div.st-row.an-transport', {}, now, speed, el('span.st-space'), tools));
    const switches = el('span.st-row.an-tools');
    const work = el('div.an-work', {}, el('div.st-row.an-bar', {}, video, badge, switches, el('span.st-space'), run, buttons()),
      el('div.an-top', {}, stage, el('div.st-card.an-side', {}, labels.element, segment.element), help.element),
      el('div.st-card.an-lanes', {}, timeline.element));
    root.replaceChildren(empty, work);
    // A button that was clicked does not take the next Space for itself, nor gets it back from a dialog.
    work.addEventListener('click', e => { if (e.detail) e.target.closest('button')?.blur(); }, {capture: true});
    const keys = Studio.keys = new KeyMap(actions(), {onChange: changedKeys => { save({keys: changedKeys}); labels.fill(); }});
    keys.extra = () => new Map([...labels.keys()].map(([key, id]) => [key, `label “${doc.labels.get(id).name}”`]));
    keys.onOther = name => { const id = labels.keys().get(name); if (id) ed.label(id); return !!id; };

    const {current} = await project();
    if (!current) return nothing('There is no project yet.', 'To the library', '/');
    [videos, runs, preferences] = await Promise.all([api(`/api/projects/${current.id}/videos`), api(`/api/projects/${current.id}/runs`), api('/api/preferences')]);
    Object.assign(keys.changed, preferences.keys ?? {});
    keys.learn();
    ed.contiguous = !!preferences.contiguous; ed.snaps = !!preferences.snaps; ed.delay = preferences.delay ?? 0;
    for (const name of preferences.tracks?.[current.id] ?? []) ed.extraTracks.add(name);
    videos = videos.filter(v => v.health === 'good' || v.health === 'damaged');
    if (!videos.length) return nothing('No video can be shown yet. Add a folder, or wait until the first ones are there.', 'To the library', '/');
    fillVideos();
    fillRuns();
    toolbar();
    keys.listen(root);
    const asked = Number(query().get('video'));
    await open(videos.some(v => v.id === asked) ? asked : videos[0].id, Number(query().get('t') || 0) * 1e6);
    player.video.addEventListener('seeked', () => remember({t: (player.time / 1e6).toFixed(2)}));
    window.addEventListener('beforeunload', e => { if (doc.saving.unsent && !navigator.locks) e.preventDefault(); });

    // ---- opening --------------------------------------------------------------------------------

    function nothing(text, action, href) {
      work.hidden = true; empty.hidden = false;
      empty.replaceChildren(el('p', {}, text), el('button.main', {onclick: () => { location.href = href; }}, action));
    }

    function fillVideos() {
      video.replaceChildren(...videos.map(v => el('option', {value: String(v.id)}, v.name)));
    }

    function fillRuns() {
      const ready = runs.filter(r => r.state === 'ready');
      run.replaceChildren(el('option', {value: ''}, ready.length ? 'no proposals' : 'no trained run'), ...ready.map(r => el('option', {value: String(r.id)}, `proposals of ${r.mark} ${r.name}`)));
      run.disabled = !ready.length;
    }

    async function open(id, at = 0) {
      const before = doc.video?.id ?? null;
      ed.endRecordings();
      here = id;
      video.value = String(id);
      let said;
      try { said = await doc.open(id); } catch (error) {
        // Nothing was opened: what stood here still does.
        if (before === null) throw error;
        if (here === id) { here = before; video.value = String(before); }
        return;
      }
      if (here !== id) return;
      ed.reset();
      ed.proposals = null; ed.boundaries = []; ed.cuts = [];
      timeline.setStrip(null, said.video.media !== 'none');
      timeline.whole(said.video.duration_us);
      remember({video: id, t: at ? (at / 1e6).toFixed(2) : null});
      await player.open(said.video, at);
      if (said.video.media === 'proxy') playCopy(id);
      describe(said.video);
      ed.activeLabel ??= labels.labels[0]?.id ?? null;
      ed.onSelect();
      help.video = id;
      await Promise.all([propose(Number(query().get('run')) || preferredRun()), pictures(id), help.open(current.id, runs, Number(run.value) || null, id, query())]);
    }

    // A copy that is being made is played when it is there; labelling goes on meanwhile.
    async function playCopy(id) {
      for (let made = false; !made && here === id;) {
        await new Promise(done => setTimeout(done, 2500));
        const {video: now} = await api(`/api/videos/${id}`, undefined, {quiet: true}).catch(() => ({video: {}}));
        made = now.media === 'ready';
        if (made && here === id) await player.open(now, player.time);
      }
    }

    function preferredRun() { return Number(run.value) || preferences.run?.[current.id] || null; }

    // The filmstrip and the shot cuts are made when they are first asked for.
    async function pictures(id) {
      for (let wait = 500; here === id; wait = Math.min(wait * 2, 8000)) {
        const [strip, cuts] = await Promise.all([`/api/videos/${id}/strip`, `/api/videos/${id}/cuts`].map(path => api(path, undefined, {quiet: true}).catch(() => null)));
        if (here !== id) return;
        if (cuts?.ready) { ed.cuts = cuts.cuts; timeline.dirty = true; }
        if (strip?.ready && strip.count && !timeline.strip) timeline.setStrip(strip);
        if ((!strip || strip.ready) && (!cuts || cuts.ready)) return;
        await new Promise(done => setTimeout(done, wait));
      }
    }

    async function propose(id) {
      const chosen = runs.find(r => r.id === id && r.state === 'ready'), asked = here;
      run.value = chosen ? String(id) : '';
      remember({run: chosen ? id : null});
      ed.proposals = null; ed.boundaries = []; ed.proposal = null;
      if (chosen) {
        try {
          const said = await api(`/api/videos/${asked}/proposals?run=${id}`, undefined, {quiet: true});
          if (asked !== here || run.value !== String(id)) return;
          for (const p of said.proposals) if (p.state === 'rejected') ed.rejected.add(p.id);
          ed.proposals = {run: id, mark: chosen.mark, name: chosen.name, rows: said.proposals.sort((a, b) => a.start_us - b.start_us)};
          ed.boundaries = said.boundaries;
        } catch (error) { say(error.message); }
      }
      if ((preferences.run?.[current.id] ?? null) !== (chosen ? id : null)) save({run: {...preferences.run, [current.id]: chosen ? id : null}});
      help.run = chosen ? id : null;
      timeline.arrange();
      ed.onSelect();
    }

    async function go(id, at = 0, segmentId = null, span = null) {
      if (id !== here) await open(id, at); else if (span || at) player.seek(at);
      if (segmentId && doc.rows.has(segmentId)) ed.pick(doc.rows.get(segmentId));
      if (span) {
        if (span[0] < timeline.from || span[1] > timeline.to) timeline.move(span[0] - (timeline.to - timeline.from) / 4);
        player.playSpan(...span);
      }
    }

    async function fix(item) {
      const row = doc.rows.get(item.segment);
      if (!row || row.deleted) return say('This segment is gone.');
      ed.apply(`relabel as ${item.suggestion}`, [{...row, label_id: item.suggestion_id}]);
      say(`Now “${item.suggestion}”. ${Studio.keyShown('Ctrl+z')} takes it back.`, 'good');
      ed.onSelect();
    }

    async function addLabel(name) {
      try {
        const {id} = await api(`/api/projects/${current.id}/labels`, {name});
        const {labels: list} = await api(`/api/projects/${current.id}/labels`);
        doc.know(list);
        know();
        return id;
      } catch { return null; }
    }

    function know() { known = doc.labels; Studio.knowLabels([...doc.labels.values()]); }

    async function save(values) {
      Object.assign(preferences, values);
      await api('/api/preferences', preferences, {quiet: true}).catch(() => {});
    }

    // ---- what is shown --------------------------------------------------------------------------

    function changed() {
      if (known !== doc.labels) know();
      timeline.arrange();
      labels.fill(); segment.fill();
    }

    function state(what, detail) {
      const words = {saving: 'saving …', saved: () => `saved ${new Date(detail / 1000).toTimeString().slice(0, 8)}`, waiting: () => `${detail.count} not saved yet, they wait in this browser. ${detail.why}`, refused: () => 'not saved', asking: () => 'not saved: changed elsewhere'};
      Studio.foot(typeof words[what] === 'function' ? words[what]() : words[what], what !== 'saving' && what !== 'saved' ? 'bad' : '');
      if (what === 'refused') say(detail, 'bad');
      // Counting a whole project is dear: once, when the hands rest.
      clearTimeout(counting);
      if (what === 'saved') counting = setTimeout(() => window.dispatchEvent(new Event('gad-data')), 1000);
    }

    function describe(v) {
      const offset = v.file_offset_us ?? v.offset_us, words = v.media === 'none' ? ['features'] : [v.timing === 'variable' ? 'variable rate' : `${+(v.fps ?? 0).toFixed(2)} fps`, ...(offset ? [`starts at ${(offset / 1e6).toFixed(2)} s`] : [])];
      badge.textContent = words.join(' · ');
      badge.className = `st-badge ${v.timing === 'variable' || offset ? 'warn' : ''}`;
      badge.title = v.media === 'none' ? 'Features and no video file.' : `${v.timing === 'variable' ? 'Frames stand at their own times, which vary' : 'Every frame is shown for the same time'}${offset ? `; the file’s clock starts at ${(offset / 1e6).toFixed(3)} s, ours at the first frame` : ''}. Edges are set at the starts of frames, to the microsecond.`;
    }

    function follow(at) {
      timeline.follow(player.playing ? at : player.frames.start(player.frame));
      const text = `${clock(player.playing ? at : player.frameStart)} · frame ${player.frame} of ${player.frames.count}`;
      if (text !== lastNow) { lastNow = text; now.textContent = text; }
      const rate = player.speed === 1 ? '' : `${player.speed}×`;
      if (speed.textContent !== rate) speed.textContent = rate;
    }

    function setSpeed(value) { player.setSpeed(value); }
    function slower() { const n = SPEEDS.findLast(s => s < Math.abs(player.speed)); if (player.speed < 0) setSpeed(Math.max(-4, player.speed * 2)); else if (n && player.speed > SPEEDS[0]) setSpeed(n); else { setSpeed(-1); player.play(); } }
    function faster() { if (player.speed < 0) return setSpeed(1); setSpeed(SPEEDS.find(s => s > player.speed) ?? 4); }
    function playKey(e) {
      if (e.key === 'k' && lastKey === 'k' && performance.now() - lastAt < 400) setSpeed(1);
      lastKey = e.key; lastAt = performance.now();
      player.toggle();
    }

    // Once to the segment's end, twice to the video's.
    function edge(which) {
      const twice = lastEdge === which && performance.now() - lastHome < 600, rows = ed.chosen;
      lastEdge = which; lastHome = performance.now();
      player.pause();
      if (rows.length && !twice) player.seek(which === 'start' ? Math.min(...rows.map(r => r.start_us)) : Math.max(...rows.map(r => r.end_us)) - 1);
      else player.seek(which === 'start' ? 0 : ed.length);
    }

    function playSelected(loop) {
      const rows = ed.chosen, one = ed.proposal;
      if (one) return player.playSpan(one.start_us, one.end_us, loop);
      if (!rows.length) return say('Choose a segment to play it.');
      player.playSpan(Math.min(...rows.map(r => r.start_us)), Math.max(...rows.map(r => r.end_us)), loop);
    }

    function zoomTo() {
      const rows = ed.proposal ? [ed.proposal] : ed.chosen;
      if (!rows.length) return timeline.zoom(1 / 4, player.time);
      const a = Math.min(...rows.map(r => r.start_us)), b = Math.max(...rows.map(r => r.end_us)), span = Math.max(300_000, (b - a) * 1.6);
      timeline.zoom(span / (timeline.to - timeline.from), (a + b) / 2);
      timeline.move((a + b - span) / 2, Math.min(span, timeline.length));
    }

    // Lanes side by side; those of a second annotator are compared, not learned from.
    async function tracksDialog() {
      const {left_out: unseen} = await api(`/api/projects/${current.id}/tracks`);
      return Studio.dialog('Tracks', body => {
        const name = el('input', {type: 'text', 'aria-label': 'Name of the new track', placeholder: 'left hand, sub-steps, second annotator …', maxLength: 60});
        const list = el('ul.st-list');
        const leaveOut = async (track, out) => {
          const {left_out: now} = await api(`/api/projects/${current.id}/tracks`, {left_out: out ? [...unseen, track] : unseen.filter(t => t !== track)});
          unseen.splice(0, unseen.length, ...now);
        };
        const fill = () => list.replaceChildren(...ed.tracks.map(track => el('li', {}, el('span', {}, track || 'segments', el('span.st-dim', {}, ` · ${doc.track(track).length} here`)),
          el('label.st-check', {}, el('input', {type: 'checkbox', checked: !unseen.includes(track), onchange: e => leaveOut(track, !e.target.checked)}), 'models learn from it'))));
        const make = () => {
          const track = name.value.trim();
          if (!track) return;
          ed.extraTracks.add(track);
          save({tracks: {...preferences.tracks, [current.id]: [...ed.extraTracks]}});
          ed.chooseTrack(track);
          name.value = ''; fill();
        };
        name.addEventListener('keydown', e => { if (e.key === 'Enter') make(); });
        body.append(list, el('div.st-row', {}, name, el('button', {onclick: make}, 'Add track')),
          el('p.st-small.st-dim', {}, 'A new segment goes onto the track whose name is bold; ↑ and ↓ change it. A track that models do not learn from is not counted in any figure either: leave a second annotator’s out and compare him by Agreement.'));
        fill();
      });
    }

    function options() {
      return Studio.dialog('Settings of Annotate', body => {
        const delay = el('input', {type: 'number', min: 0, max: 1000, step: 10, value: String(ed.delay), onchange: () => { ed.delay = Math.min(1000, Math.max(0, Number(delay.value) || 0)); save({delay: ed.delay}); }});
        const step = el('input', {type: 'number', min: 2, max: 1000, value: String(preferences.step ?? BIG), onchange: () => save({step: Math.min(1000, Math.max(2, Math.round(Number(step.value)) || BIG))})});
        body.append(el('label', {}, 'Reaction time that is taken off while playing, ms', delay), el('label', {}, 'Frames of a big step (Shift+← →)', step));
      });
    }

    // ---- tools and keys -------------------------------------------------------------------------

    function buttons() {
      return [el('button.st-quiet', {onclick: tracksDialog, title: 'Lanes of segments, and which of them models learn from'}, 'Tracks'), el('button.st-quiet', {onclick: () => Studio.agreementDialog(ed, current.id), title: 'Kappa and F1 between two tracks'}, 'Agreement'),
        el('button.st-quiet', {onclick: options}, 'Settings'), el('button.st-quiet', {onclick: () => keys.sheet(), title: 'Keys (?)'}, 'Keys ', el('kbd', {}, '?'))];
    }

    function toolbar() {
      const button = (id, text) => el('button.st-quiet', {title: `${keys.actions.get(id).what} (${keys.hint(id)})`, onclick: e => { keys.actions.get(id).run(e); e.currentTarget.blur(); }}, `${text} `, el('kbd', {}, Studio.keyShown(keys.keys(id)[0] ?? '')));
      for (const [id, text] of [['contiguous', 'Contiguous'], ['snapping', 'Snap']]) toggles[id] = button(id, text);
      tools.replaceChildren(button('play', 'Play'), button('into', 'In'), button('out', 'Out'), button('extend', 'Extend'), button('gap', 'Fill gap'), button('split', 'Split'), button('merge', 'Merge'));
      switches.replaceChildren(toggles.contiguous, toggles.snapping);
      bar();
    }

    function bar() {
      toggles.contiguous?.setAttribute('aria-pressed', String(ed.contiguous));
      toggles.snapping?.setAttribute('aria-pressed', String(ed.snaps));
    }

    function toggle(name, text) {
      ed[name] = !ed[name];
      save({[name]: ed[name]});
      say(`${text} ${ed[name] ? 'on' : 'off'}.`);
      ed.onSelect();
    }

    function actions() {
      const big = () => preferences.step ?? BIG;
      return [
        ['Play', [
          ['play', 'Play or pause; K twice: normal speed', ['Space', 'k'], playKey], ['once', 'Play the chosen segment once', ['Shift+Space'], () => playSelected(false)], ['loop', 'Play it again and again', ['r'], () => playSelected(true)],
          ['slower', 'Slower, down to 0.1×, then backwards', ['j'], slower], ['faster', 'Faster, up to 4×', ['l'], faster],
          ['back', 'One frame back', [',', 'ArrowLeft'], () => player.stepFrame(-1)], ['on', 'One frame on', ['.', 'ArrowRight'], () => player.stepFrame(1)],
          ['bigback', 'A big step back (10 frames)', ['Shift+ArrowLeft'], () => player.stepFrame(-big())], ['bigon', 'A big step on', ['Shift+ArrowRight'], () => player.stepFrame(big())],
          ['secondback', 'One second back', ['Ctrl+ArrowLeft'], () => { player.range = null; player.seek(player.time - 1e6); }], ['secondon', 'One second on', ['Ctrl+ArrowRight'], () => { player.range = null; player.seek(player.time + 1e6); }],
          ['start', 'Start of the segment; twice: of the video', ['Home'], () => edge('start')], ['end', 'End of the segment; twice: of the video', ['End'], () => edge('end')], ['goto', 'Go to a time or a frame', ['g'], () => Studio.gotoDialog(ed)],
        ]],
        ['Make', [
          ['into', 'In: start at the playhead', ['i'], () => ed.mark('into')], ['out', 'Out: end at the playhead', ['o'], () => ed.mark('out')], ['create', 'Make the segment from in to out; end what is being recorded', ['Enter'], () => ed.createMarked()],
          ['extend', 'Extend: from the end before to the playhead', ['e'], () => ed.extend()], ['gap', 'Fill the gap at the playhead', ['f'], () => ed.fillGap()], ['point', 'Point event at the playhead', ['t'], () => ed.point()],
          ['ignore', 'Ignore the span from in to out', ['Shift+i'], () => ed.ignore()], ['contiguous', 'Contiguous: a new label ends the old one', ['c'], () => toggle('contiguous', 'Contiguous')],
        ]],
        ['Change', [
          ['search', 'Find a label by typing', ['/'], () => labels.focus()], ['split', 'Split at the playhead', ['s'], () => ed.split()], ['merge', 'Merge with the next of its label, or what is chosen', ['m'], () => ed.merge()],
          ['startback', 'Start one frame earlier', ['['], () => ed.nudge('start', -1)], ['starton', 'Start one frame later', [']'], () => ed.nudge('start', 1)], ['endback', 'End one frame earlier', ['{', 'Shift+['], () => ed.nudge('end', -1)], ['endon', 'End one frame later', ['}', 'Shift+]'], () => ed.nudge('end', 1)],
          ['snapping', 'Snap while dragging (Alt turns it round)', ['v'], () => toggle('snaps', 'Snapping')], ['snap', 'Snap the edges to the run’s changes and shot cuts', ['Shift+v'], () => ed.snapEdges()],
          ['nest', 'Make it a part of what encloses it', ['u'], () => ed.nest(true)], ['unnest', 'Make it a whole again', ['Shift+u'], () => ed.nest(false)], ['note', 'Write a note', ['w'], () => segment.element.querySelector('textarea')?.focus()],
          ['remove', 'Delete', ['Delete', 'Backspace'], () => ed.remove()], ['undo', 'Undo', ['Ctrl+z'], () => ed.undo()], ['redo', 'Do again', ['Ctrl+Shift+z', 'Ctrl+y'], () => ed.redo()], ['save', 'Saved already: every edit is', ['Ctrl+s'], () => say(doc.saving.unsent ? `${doc.saving.unsent} edits wait for the studio.` : 'Already saved.')],
        ]],
        ['Move and choose', [
          ['next', 'Next segment', ['Tab'], () => ed.next(1)], ['previous', 'Previous segment', ['Shift+Tab'], () => ed.next(-1)], ['up', 'Track above', ['ArrowUp'], () => ed.lane(-1)], ['down', 'Track below', ['ArrowDown'], () => ed.lane(1)],
          ['all', 'Choose all of the track', ['Ctrl+a'], () => ed.selectTrack()], ['clear', 'Choose nothing, forget marks', ['Escape'], () => { help.stop(); ed.clear(); }],
          ['zoom', 'Zoom to the segment', ['z'], zoomTo], ['whole', 'Whole video', ['Shift+z'], () => timeline.whole()], ['in', 'Zoom in', ['+', '='], () => timeline.zoom(1 / 1.5, player.time)], ['outwards', 'Zoom out', ['-'], () => timeline.zoom(1.5, player.time)],
        ]],
        ['With a model', [
          ['nextproposal', 'Next proposal', ['n'], () => ed.nextProposal(1)], ['previousproposal', 'Previous proposal', ['p'], () => ed.nextProposal(-1)], ['accept', 'Accept the proposal', ['a'], () => ed.accept()], ['reject', 'Reject the proposal', ['x'], () => ed.reject()],
          ['above', 'Accept or reject all above a confidence', ['Shift+a'], () => ed.proposals ? Studio.proposalDialog(ed) : say('Choose a run that proposes.')], ['nextitem', 'Next of the list at the right', ['q'], () => help.next(1)], ['lastitem', 'Previous of the list at the right', ['Shift+q'], () => help.next(-1)], ['fix', 'Take the suggestion for a probably wrong label', ['y'], () => help.fixNow()],
        ]],
        ['Help', [['sheet', 'This sheet', ['?'], () => keys.sheet()]]],
      ];
    }
  };
})();
