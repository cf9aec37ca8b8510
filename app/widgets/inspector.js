// What a generative run would write at the playhead, beside what one-step runs score there.
(() => {
  const {api, el, clock, colour, share, findCell, branches, chance, figureFiles, standing} = window.Studio;
  const STILL_MS = 250, AGAIN_MS = 1500;

  window.Studio.Inspector = class {
    // `onFold` is called when the panel opens, folds, appears or goes.
    constructor(onFold) {
      this.onFold = onFold;
      this.unfolded = localStorage.getItem('gad-inspector') !== 'folded';
      this.rows = []; this.since = 0; this.found = null; this.asked = ''; this.busy = false;
      this.which = el('select', {'aria-label': 'Generative run', onchange: () => this.moved()});
      this.when = el('span.insp-when');
      this.fold = el('button.st-quiet', {onclick: () => this.toggle(), title: 'Open or fold (I)'});
      this.note = el('span.st-dim.st-small', {role: 'status'});
      this.tree = el('div.insp-tree'); this.facts = el('div.insp-facts'); this.beside = el('div.insp-beside');
      this.body = el('div.insp-body', {}, this.tree, this.facts, this.beside);
      this.element = el('section.st-card.insp', {hidden: true, 'aria-label': 'Generation'},
        el('header.st-row', {}, this.fold, this.when, this.which, el('span.insp-of.st-dim.st-small', {}, 'of everything it could write; of each token p and entropy in bits'), el('span.st-space'), this.note, figureFiles(() => this.drawing())), this.body);
      new ResizeObserver(() => this.draw()).observe(this.tree);
      window.addEventListener('gad-theme', () => this.draw());
      this.folded();
    }

    get open() { return !this.element.hidden && this.unfolded; }

    toggle() {
      this.unfolded = !this.unfolded;
      localStorage.setItem('gad-inspector', this.unfolded ? 'open' : 'folded');
      this.folded(); this.onFold();
    }

    folded() {
      this.element.classList.toggle('folded', !this.unfolded);
      this.fold.setAttribute('aria-expanded', String(this.unfolded));
      this.fold.textContent = `${this.unfolded ? '▾' : '▸'} generation`;
    }

    // The lanes of a video: those of runs that write can be looked into.
    show({id, name}, rows) {
      const writing = rows.filter(row => row.writes && row.cells.length), before = this.which.value;
      this.video = id; this.name = name; this.rows = rows;
      this.which.replaceChildren(...writing.map((row, i) => el('option', {value: String(i), selected: String(i) === before}, `${row.mark} · ${row.name}`)));
      this.which.hidden = writing.length < 2;
      this.writing = writing;
      this.element.hidden = !writing.length;
    }

    get row() { return this.writing?.[Number(this.which.value) || 0]; }

    // Called with every frame of the player: asks as soon as the playhead has stood still.
    follow(at, playing) {
      const cell = this.row && findCell(this.row.cells, at), now = performance.now();
      if (at !== this.at) { this.at = at; this.since = now; this.when.textContent = `at ${clock(at)}`; }
      const key = cell ? `${this.video}|${this.row.lane.run}|${this.row.lane.question}|${cell.i}` : '';
      if (key !== this.key) { this.key = key; this.moved(cell); }
      if (!cell || !this.open || playing || this.busy || key === this.asked || now - this.since < STILL_MS) return;
      this.ask(key, Math.round(at), this.row);
    }

    moved(cell) {
      const known = this.found && this.asked === this.key;
      this.body.classList.toggle('stale', !known);
      if (!cell && this.row) { this.note.textContent = 'no question here'; return; }
      this.note.textContent = '';
    }

    async ask(key, at, {lane, mark}) {
      const of = `${mark} ${lane.name} · ${this.name}`;
      this.busy = true;
      const slow = setTimeout(() => { if (this.key === key) this.note.textContent = 'looking …'; }, 300);
      try {
        const found = await api(`/api/inspect?run=${lane.run}&video=${this.video}&t=${at}&question=${lane.question}`, undefined, {quiet: true});
        if (found.waiting) { this.note.textContent = found.waiting; await new Promise(done => setTimeout(done, AGAIN_MS)); }
        else if (this.key === key) { Object.assign(this, {asked: key, found, of}); this.note.textContent = ''; this.draw(); }
      } catch (error) {
        this.asked = key;  // not again before the playhead moves
        if (this.key === key) this.note.textContent = error.message;
      } finally { clearTimeout(slow); this.busy = false; }
    }

    // The tree that stands there, as a figure of its own.
    drawing() {
      const tree = this.tree.querySelector('svg');
      if (!tree) return null;
      const {found} = this;
      return {title: 'What is generated', about: `${this.of} at ${clock(found.time_us)}${found.truth ? ` · truth: ${found.truth}` : ''}`,
        width: Number(tree.getAttribute('width')), height: Number(tree.getAttribute('height')), node: standing(tree)};
    }

    draw() {
      if (!this.open) return;
      const {found} = this, stale = !found || this.asked !== this.key;
      this.body.classList.toggle('stale', stale);
      if (stale) return;  // what stood there stays, pale, until the answer comes
      this.tree.replaceChildren(branches(found, this.tree.clientWidth, this.tree.clientHeight));
      this.facts.replaceChildren(...this.said(found));
      this.beside.replaceChildren(...this.others(found.time_us));
    }

    // The text, the label it comes nearest to, the answer and by how much it won.
    said(found) {
      const {written, decided} = found, [[nearest, distance]] = written.nearest;
      const line = (name, title, ...what) => el('div.insp-line', {title}, el('span.st-dim', {}, name), el('span', {}, ...what));
      const margin = decided.margin === null ? null : decided.unit === 'edits' ? `${decided.margin} edit${decided.margin === 1 ? '' : 's'}`
        : decided.unit === 'nats' ? `${decided.margin.toFixed(2)} nats` : decided.margin.toFixed(3).replace(/^0/, '');
      return [
        el('div.insp-tokens', {title: 'What it writes freely, token by token: probability, and entropy in bits (the bar: full at 4 bits)'}, written.tokens.map((token, i) => el('span.insp-token', {},
          el('b', {}, token.text.trim() || (i === written.tokens.length - 1 ? '⏎' : '␣')), el('i', {}, el('u', {style: `width:${Math.min(100, 25 * token.entropy).toFixed(1)}%`})),
          el('small', {}, `${chance(token.p)} · ${token.entropy.toFixed(2)}`)))),
        line('written', 'What it writes when every token may follow', el('b.insp-text', {}, `“${written.text}”`)),
        line('nearest label', 'By edit distance, the paper’s rule', el('b', {}, nearest), ` distance ${distance}`, written.nearest[1] ? el('span.st-dim', {}, `, next ${written.nearest[1][0]} ${written.nearest[1][1]}`) : null),
        line('answer', `By the run’s decoder '${found.decoder}'`, el('i.cmp-swatch', {style: `background:${colour(decided.label)}`}), ' ', el('b', {}, decided.label),
          decided.runner_up ? el('span', {}, ` before ${decided.runner_up} by ${margin}`) : null),
        line('no label', 'The probability that what it writes is none of the labels', el('b.insp-none', {'data-p': found.not_a_label}, `${(100 * found.not_a_label).toFixed(found.not_a_label < .1 ? 2 : 1)} %`),
          found.truth ? el('span.st-dim', {}, ` · truth ${found.truth} ${found.truth_p === null ? '' : chance(found.truth_p)}`) : null),
      ];
    }

    // What one-step runs score at the same moment: the stored five likeliest.
    others(at) {
      const rows = this.rows.filter(row => row.kind === 'run' && !row.writes && row.cells.length);
      if (!rows.length) return [el('p.st-dim.st-small', {}, 'Choose a run with scores beside it to compare them here.')];
      return rows.map(row => {
        const cell = findCell(row.cells, at), lane = row.lane;
        const bars = !cell ? [el('span.st-dim.st-small', {}, 'no question here')] : lane.top[cell.i].map((c, k) => el(`div.cmp-bar1${k ? '' : '.first'}${lane.truth[cell.i] === c ? '.right' : ''}`, {},
          el('span.cmp-label', {title: lane.classes[c]}, lane.classes[c]),
          el('span.cmp-track', {}, el('i', {style: `width:${(100 * lane.top_p[cell.i][k]).toFixed(1)}%;background:${colour(lane.classes[c])}`})),
          el('span.cmp-p', {}, share(lane.top_p[cell.i][k]))));
        return el('div', {}, el('span.st-mark.st-small', {title: row.name}, row.mark), bars);
      });
    }
  };
})();
