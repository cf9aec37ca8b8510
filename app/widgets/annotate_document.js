// The segments of one video as they stand on the screen: changed at once, saved behind, undone and
// redone. A row never changes in place; every operation knows it before and after.
(() => {
  const {api, Saving} = window.Studio;
  const DEEPEST = 500;

  // The first of rows, which end in order, that ends at or after a time.
  const firstEndingAt = (rows, us, low) => {
    let high = rows.length;
    while (low < high) { const m = (low + high) >> 1; if (rows[m].end_us < us) low = m + 1; else high = m; }
    return low;
  };

  window.Studio.SegmentDocument = class {
    // onChange() after anything changed; the rest as `Saving` says it.
    constructor({onChange, onState, onConflict}) {
      this.onChange = onChange;
      this.rows = new Map(); this.undone = []; this.done = []; this.labels = new Map(); this.byTrack = new Map();
      this.saving = new Saving({
        onState, onConflict,
        onSaved: (video, rows, waiting) => this.saved(video, rows, waiting),
        onDropped: () => { this.stale = true; },
        onIdle: () => this.stale && this.video ? this.reload() : null,
      });
    }

    async open(video) {
      await this.saving.adopt();
      await this.saving.flush();
      const said = await api(`/api/videos/${video}/annotations`);
      this.load(said);
      return said;
    }

    load(said) {
      this.video = said.video; this.stale = false;
      this.rows = new Map(said.segments.map(values => {
        const row = Object.fromEntries(said.columns.map((name, i) => [name, values[i]]));
        return [row.id, row];
      }));
      for (const row of said.gone) this.rows.set(row.id, row);
      this.done = said.undo; this.undone = said.redo;
      this.know(said.labels);
      for (const {video, body} of this.saving.queue) if (video === said.video.id) this.put(body.edits);
      this.changed();
    }

    know(labels) { this.labels = new Map(labels.map(label => [label.id, label])); }
    name(row) { return row.kind === 'ignore' ? 'ignored' : this.labels.get(row.label_id)?.name ?? ''; }

    async reload() { this.load(await api(`/api/videos/${this.video.id}/annotations`)); }

    // ---- what is there ------------------------------------------------------------------------

    // Live rows of each track by time; `reach` is how far anything up to a row extends. An edit
    // names the tracks that it touched, so that the others stay as they are.
    changed(touched = null) {
      const found = new Map();
      for (const row of this.rows.values()) {
        if (row.deleted || (touched && !touched.has(row.track))) continue;
        if (!found.has(row.track)) found.set(row.track, []);
        found.get(row.track).push(row);
      }
      const kept = touched ? [...this.byTrack].filter(([name]) => !touched.has(name)) : [];
      const made = [...found].map(([name, rows]) => [name, this.ordered(rows)]);
      this.byTrack = new Map([...kept, ...made].sort(([a], [b]) => a.localeCompare(b)));
      this.onChange();
    }

    ordered(rows) {
      rows.sort((a, b) => a.start_us - b.start_us || a.end_us - b.end_us || (a.id < b.id ? -1 : 1));
      let far = 0;
      const reach = Float64Array.from(rows, row => (far = Math.max(far, row.end_us)));
      return {rows, reach, ...this.stacked(rows)};
    }

    // Overlapping segments of a track stand below each other, parts below what they are parts of.
    // `levels`: the rows that stand side by side, which therefore also end in order.
    stacked(rows) {
      const ends = [], sub = new Map(), levels = [];
      for (const row of rows) {
        let level = row.parent_id && sub.has(row.parent_id) ? sub.get(row.parent_id) + 1 : 0;
        while (level < ends.length && ends[level] > row.start_us) level++;
        while (ends.length <= level) { ends.push(0); levels.push([]); }
        ends[level] = Math.max(row.end_us, row.start_us + 1);
        levels[level].push(row);
        sub.set(row.id, level);
      }
      sub.count = Math.max(1, ends.length);
      return {sub, levels};
    }

    track(name) { return this.byTrack.get(name)?.rows ?? []; }
    get live() { return [...this.rows.values()].filter(row => !row.deleted); }

    // Rows of a track that reach into a span, by time.
    within(name, from, to) {
      const track = this.byTrack.get(name);
      if (!track) return [];
      let low = 0, high = track.rows.length;
      while (low < high) { const m = (low + high) >> 1; if (track.reach[m] < from) low = m + 1; else high = m; }
      const found = [];
      for (let i = low; i < track.rows.length && track.rows[i].start_us <= to; i++) if (track.rows[i].end_us >= from) found.push(track.rows[i]);
      return found;
    }

    // What can be told apart of a track where a pixel is `step` wide: of rows that fall on one pixel,
    // one. Pixels are counted from the video's start, so that the same ones are seen while one pans.
    seen(name, from, to, step) {
      const found = [];
      for (const level of this.byTrack.get(name)?.levels ?? []) {
        let n = firstEndingAt(level, from, 0);
        while (n < level.length && level[n].start_us <= to) {
          const row = level[n++], covered = Math.max(row.end_us, (Math.floor(row.start_us / step) + 1) * step);
          found.push(row);
          if (n < level.length && level[n].end_us < covered) n = firstEndingAt(level, covered, n);
        }
      }
      return found;
    }

    // ---- what a person does -------------------------------------------------------------------

    make(values) {
      return {id: window.Studio.uuid(), version: null, track: '', kind: 'interval', source: 'human', confidence: null, note: '', parent_id: null, deleted: false, ...values};
    }

    // after: the rows as they shall be; answers: [{proposal, run, rejected}]
    do(name, after, answers = []) {
      const segments = after.map(row => ({before: this.rows.get(row.id) ?? null, after: row}));
      const operation = {id: window.Studio.uuid(), name, segments, answers: answers.map(a => ({...a, before: !a.rejected, after: a.rejected}))};
      this.done.push(operation);
      if (this.done.length > DEEPEST) this.done.shift();
      this.undone = [];
      return this.send(operation, after, answers);
    }

    undo() {
      const operation = this.done.pop();
      if (!operation) return null;
      this.undone.push(operation);
      const rows = operation.segments.map(({before, after}) => before ?? {...after, deleted: true});
      this.send({id: window.Studio.uuid(), name: `undo ${operation.name}`}, rows, operation.answers.map(a => ({proposal: a.proposal, run: a.run, rejected: a.before})), {undoes: operation.id});
      return operation;
    }

    redo() {
      const operation = this.undone.pop();
      if (!operation) return null;
      this.done.push(operation);
      this.send({id: window.Studio.uuid(), name: `redo ${operation.name}`}, operation.segments.map(s => s.after), operation.answers.map(a => ({proposal: a.proposal, run: a.run, rejected: a.after})), {redoes: operation.id});
      return operation;
    }

    send({id, name}, rows, answers, more = {}) {
      const edits = rows.map(row => ({...row, version: this.rows.get(row.id)?.version ?? null}));
      const touched = new Set(edits.flatMap(row => [row.track, this.rows.get(row.id)?.track ?? row.track]));
      this.put(edits);
      this.answered?.(answers);
      this.changed(touched);
      return this.saving.add(this.video.id, {id, name, edits, answers, undoes: null, redoes: null, ...more});
    }

    put(rows) { for (const row of rows) this.rows.set(row.id, {...row}); }

    saved(video, rows, waiting) {
      if (video !== this.video?.id) return;
      for (const row of rows) {
        const mine = this.rows.get(row.id);
        if (mine) this.rows.set(row.id, waiting ? {...mine, version: row.version} : {...mine, ...row});
      }
    }
  };
})();
