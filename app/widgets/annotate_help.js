// What models and other annotators tell the person who labels: what to label next, which labels are
// probably wrong, which clips a fine-tune changed, how far two tracks agree; and the past of a segment.
(() => {
  const {api, el, say, dialog, clock, share} = window.Studio;
  const ORDERS = {coverage: 'least labelled', uncertainty: 'least certain', disagreement: 'runs disagree'};

  // The strip at the right: one list at a time.
  window.Studio.HelpStrip = class {
    // go(video, t, segment) opens a moment; fix(row) applies a suggestion.
    constructor({go, fix}) {
      this.go = go; this.fix = fix; this.what = 'queue'; this.order = 'coverage'; this.place = -1;
      this.kind = el('select', {'aria-label': 'List', onchange: () => { this.what = this.kind.value; this.kind.blur(); this.fill(); }},
        [['queue', 'What to label next'], ['doubtful', 'Probably wrong'], ['changed', 'Changed by a run'], ['chosen', 'Chosen on the map']].map(([value, text]) => el('option', {value}, text)));
      this.options = el('div.an-options');
      this.list = el('div.an-queue', {role: 'list'});
      this.element = el('aside.st-card.an-help', {'aria-label': 'What to do next'}, this.kind, this.options, this.list);
    }

    // `asked` is what the address says: a list, and the runs of the changed clips.
    open(project, runs, run, video, asked) {
      if (!this.project && ['doubtful', 'changed', 'chosen'].includes(asked.get('list'))) {
        this.what = this.kind.value = asked.get('list');
        this.before = Number(asked.get('before')) || undefined; this.after = Number(asked.get('after')) || undefined;
      }
      this.project = project; this.runs = runs.filter(r => r.state === 'ready'); this.run = run; this.video = video;
      return this.fill();
    }

    choice(name, value, options, change) {
      const select = el('select', {'aria-label': name, onchange: () => { change(select.value); select.blur(); }}, options.map(([v, text]) => el('option', {value: String(v), selected: String(v) === String(value)}, text)));
      return select;
    }

    runChoice(name, value, change) { return this.choice(name, value ?? '', [['', 'choose a run …'], ...this.runs.map(r => [r.id, `${r.mark} ${r.name}`])], v => { change(Number(v) || null); this.fill(); }); }

    async fill() {
      this.items = []; this.place = -1;
      const asked = this.asked = {};
      try {
        const made = await this[this.what]();
        if (asked !== this.asked) return;
        this.list.replaceChildren(...made);
        this.element.querySelector('[aria-current=true]')?.scrollIntoView({block: 'nearest'});
      } catch (error) { if (asked === this.asked) this.list.replaceChildren(el('p.st-small.st-dim', {}, error.message)); }
    }

    async queue() {
      const need = this.order === 'coverage' ? 0 : this.order === 'uncertainty' ? 1 : 2;
      const runs = this.run ? [this.run, ...this.runs.map(r => r.id).filter(id => id !== this.run)] : this.runs.map(r => r.id);
      this.options.replaceChildren(this.choice('Order', this.order, Object.entries(ORDERS), v => { this.order = v; this.fill(); }));
      if (runs.length < need) return [el('p.st-small.st-dim', {}, need === 1 ? 'This order needs a trained run.' : 'This order needs two trained runs.')];
      this.items = await api(`/api/projects/${this.project}/queue?by=${this.order}&runs=${runs.slice(0, need === 2 ? 4 : need).join(',')}`, undefined, {quiet: true});
      return this.items.slice(0, 300).map((item, n) => this.item(n, item.video === this.video, item.name, item.why, () => this.go(item.video)));
    }

    async doubtful() {
      this.options.replaceChildren(this.runChoice('Run', this.run, id => { this.run = id; }));
      if (!this.run) return [el('p.st-small.st-dim', {}, 'A run tells which labels of videos that it did not train on it doubts.')];
      this.items = await api(`/api/projects/${this.project}/doubtful?run=${this.run}`, undefined, {quiet: true});
      if (!this.items.length) return [el('p.st-small.st-dim', {}, 'No label of a video that the run did not train on looks wrong to it.')];
      return this.items.map((item, n) => this.item(n, false, `${item.label} → ${item.suggestion}`, `${share(item.confidence)} against ${share(item.suggestion_confidence)} · ${item.name.split('/').pop()} ${clock(item.start_us)}`,
        () => this.show(n), el('button.st-quiet', {title: `Relabel as ${item.suggestion} (Y)`, onclick: e => { e.stopPropagation(); this.show(n).then(() => this.fix(item)); }}, 'fix ', el('kbd', {}, 'Y'))));
    }

    async changed() {
      const [last, before] = this.runs;
      this.after ??= this.run ?? last?.id; this.before ??= this.runs.find(r => r.id !== this.after)?.id ?? before?.id;
      this.options.replaceChildren(this.runChoice('Before', this.before, id => { this.before = id; }), this.runChoice('After', this.after, id => { this.after = id; }));
      if (!this.before || !this.after) return [el('p.st-small.st-dim', {}, 'Two runs are needed.')];
      const {repaired, broken} = await api(`/api/projects/${this.project}/changed?before=${this.before}&after=${this.after}`, undefined, {quiet: true});
      this.items = [...repaired, ...broken];
      const line = (item, n, mark) => this.item(n, false, `${mark} ${item.label}`, `${item.before} → ${item.after} · ${item.name.split('/').pop()} ${clock(item.start_us)}`, () => this.show(n));
      return [el('div.st-row', {}, el('h2', {}, `Repaired ${repaired.length}`), el('button.st-quiet', {onclick: () => this.reel(), title: 'Play all changed clips, one after the other'}, 'Play all')), ...repaired.map((item, n) => line(item, n, '✓')),
        el('h2', {}, `Broken ${broken.length}`), ...broken.map((item, n) => line(item, repaired.length + n, '✗'))];
    }

    // What was sent from the map of Analyse, in this tab.
    chosen() {
      this.options.replaceChildren();
      this.items = JSON.parse(sessionStorage.getItem(`gad-chosen-${this.project}`) || '[]');
      if (!this.items.length) return [el('p.st-small.st-dim', {}, 'Choose segments on the map of Analyse (Shift-drag) and send them here.')];
      return this.items.map((item, n) => this.item(n, false, item.label, `${item.name.split('/').pop()} ${clock(item.start_us)}`, () => this.show(n)));
    }

    item(n, current, name, why, run, ...more) {
      return el('div.an-item', {role: 'listitem', tabindex: 0, 'aria-current': current ? 'true' : null, 'data-n': String(n), onclick: () => { this.place = n; run(); }, onkeydown: e => { if (e.key === 'Enter') { this.place = n; run(); e.preventDefault(); } }},
        el('span.an-itemname', {title: name}, name.split('/').pop()), el('span.st-small.st-dim', {}, why), ...more);
    }

    async show(n) {
      this.place = n;
      const item = this.items[n];
      for (const node of this.list.querySelectorAll('.an-item')) node.setAttribute('aria-current', String(Number(node.dataset.n) === n));
      this.list.querySelector(`[data-n="${n}"]`)?.scrollIntoView({block: 'nearest'});
      await this.go(item.video, item.start_us, item.segment, [item.start_us, item.end_us]);
    }

    // The next of the list that is shown.
    async next(step = 1) {
      if (!this.items.length) return say('This list is empty.');
      if (this.what === 'queue') {
        const at = this.items.findIndex(item => item.video === this.video), item = this.items[(at + step + this.items.length) % this.items.length];
        return this.go(item.video);
      }
      return this.show(Math.min(Math.max(0, this.place + step), this.items.length - 1));
    }

    async fixNow() {
      const item = this.what === 'doubtful' && this.items[this.place];
      if (!item) return say('Choose one of the probably wrong labels first.');
      await this.fix(item);
      this.items.splice(this.place, 1);
      this.list.querySelector(`[data-n="${this.place}"]`)?.remove();
      [...this.list.querySelectorAll('.an-item')].forEach((node, n) => { node.dataset.n = String(n); });
      this.place -= 1;
    }

    async reel() {
      this.playing = {};
      const mine = this.playing;
      for (let n = 0; n < this.items.length && mine === this.playing; n++) {
        await this.show(n);
        await new Promise(done => setTimeout(done, (this.items[n].end_us - this.items[n].start_us) / 1000 + 700));
      }
    }

    stop() { this.playing = null; }
  };

  // All proposals at or above a confidence at once.
  window.Studio.proposalDialog = ed => dialog('All proposals above a confidence', (body, close) => {
    const range = el('input', {type: 'range', min: '0', max: '1', step: '0.01', value: '0.8', 'aria-label': 'Least confidence'});
    const said = el('p');
    const list = () => ed.open.filter(p => p.confidence >= Number(range.value));
    const fill = () => { said.textContent = `${list().length} of ${ed.open.length} open proposals have at least ${Number(range.value).toFixed(2)}.`; };
    range.addEventListener('input', fill);
    const button = (text, run) => el('button', {onclick: () => { const rows = list(); if (rows.length) run(rows); close(true); }}, text);
    body.append(el('label', {}, 'Least confidence', range), said, el('p.st-small.st-dim', {}, 'Accepted ones become segments of the active track; what is there stays as it is. Both can be undone as a whole.'),
      el('div.st-row', {}, button('Reject them', rows => ed.reject(rows)), el('span.st-space'), button('Accept them', rows => ed.accept(rows))));
    fill();
  });

  window.Studio.historyDialog = async (ed, row) => {
    const past = await api(`/api/videos/${ed.video.id}/history?segment=${row.id}`);
    const what = r => r === null ? 'nothing' : r.deleted ? 'deleted' : `${r.label ?? ed.doc.name(r)}, ${clock(r.start_us)} – ${clock(r.end_us)}${r.track ? `, ${r.track}` : ''}${r.note ? `, “${r.note}”` : ''}`;
    return dialog('History of the segment', body => body.append(past.length
      ? el('ul.st-list.an-history', {}, past.map(c => el('li', {}, el('span', {}, new Date(c.at_us / 1000).toLocaleString(), ' · ', c.name), el('span.st-dim', {}, `${what(c.before)} → ${what(c.after)}`))))
      : el('p', {}, 'Made by an import or a script, and not changed since.')));
  };

  window.Studio.agreementDialog = (ed, project) => dialog('Agreement of two tracks', body => {
    if (ed.tracks.length < 2) return body.append(el('p', {}, 'A second annotator works on a track of his own: add one, label on it, and come back.'));
    const pick = (name, value) => el('select', {'aria-label': name, onchange: () => fill()}, ed.tracks.map(t => el('option', {value: t, selected: t === value}, t || 'segments')));
    const one = pick('First track', ed.tracks[0]), two = pick('Second track', ed.tracks[1]), out = el('div.an-agree');
    const figure = f => f === null || f === undefined ? '–' : typeof f === 'number' ? f.toFixed(2) : f.value === null ? '–' : `${f.value.toFixed(2)}${f.low === null || f.low === undefined ? '' : ` [${f.low.toFixed(2)}, ${f.high.toFixed(2)}]`}`;
    const fill = async () => {
      const ask = where => api(`${where}/agreement?first=${encodeURIComponent(one.value)}&second=${encodeURIComponent(two.value)}`, undefined, {quiet: true});
      try {
        const [here, all] = await Promise.all([ask(`/api/videos/${ed.video.id}`), ask(`/api/projects/${project}`)]);
        const line = (name, get) => el('tr', {}, el('td', {}, name), el('td', {}, figure(get(here))), el('td', {}, figure(get(all))));
        out.replaceChildren(el('table.st-keys', {}, el('tr', {}, el('td'), el('td.st-dim', {}, 'this video'), el('td.st-dim', {}, 'project, 95 % interval')),
          line('Cohen’s kappa per frame', a => a.kappa), ...['10', '25', '50'].map(k => line(`Segment F1@${k}, %`, a => a.f1?.[k]))));
      } catch (error) { out.replaceChildren(el('p.st-note.bad', {}, error.message)); }
    };
    body.append(el('div.st-row', {}, one, 'against', two), out);
    fill();
  });

  window.Studio.gotoDialog = ed => dialog('Go to', (body, close) => {
    const input = el('input', {type: 'text', placeholder: '1:02.345 or #1550', 'aria-label': 'Time or frame'}), wrong = el('p.st-small.st-dim', {}, `Up to ${window.Studio.exactTime(ed.length)}, or #${ed.frames.count - 1}.`);
    input.addEventListener('keydown', e => {
      if (e.key !== 'Enter') return;
      const us = window.Studio.timeOf(input.value, ed.frames);
      if (us === null) { wrong.className = 'st-note bad'; wrong.textContent = 'A time is m:s.ms, or # and the number of a frame.'; return; }
      ed.player.pause(); ed.player.seek(us); close(true);
    });
    body.append(el('label', {}, 'Time, or # and a frame', input), wrong);
    setTimeout(() => input.focus());
  });

  window.Studio.conflictDialog = (error, current, name) => new Promise(resolve => dialog('Changed elsewhere', (body, close) => {
    body.append(el('p', {}, 'Another tab or person changed what you just edited. Nothing of either is lost: choose what stands here.'),
      el('ul.st-list', {}, current.map(row => el('li', {}, el('span', {}, row.deleted ? 'deleted there' : name(row)), el('span.st-dim', {}, `${clock(row.start_us)} – ${clock(row.end_us)}`)))),
      el('div.st-row', {}, el('button', {onclick: () => close('reload')}, 'Take theirs'), el('span.st-space'), el('button.main', {onclick: () => close('copy')}, 'Keep both')));
  }).then(answer => resolve(answer || 'reload')));
})();
