// The editor: what is chosen, what is marked, and everything that can be done to segments. It knows
// neither keys nor mouse; every change goes through the document as one operation. Snapping and what a
// run proposes stand in files of their own.
(() => {
  const {colour, say} = window.Studio;

  window.Studio.Editor = class {
    // parts: {doc, player}; onSelect() after the selection, the marks or the active label changed;
    // chooseLabel(then) asks the person for one.
    constructor(parts) {
      Object.assign(this, {onSelect: () => {}, chooseLabel: () => {}}, parts);
      this.selected = new Set();
      this.activeLabel = null; this.activeTrack = ''; this.extraTracks = new Set();
      this.marks = {into: null, out: null};
      this.recording = new Map();
      this.contiguous = false; this.snaps = false; this.delay = 0;
      this.boundaries = []; this.cuts = [];
      this.proposals = null; this.proposal = null; this.rejected = new Set();
      this.doc.answered = answers => { for (const a of answers) if (a.rejected) this.rejected.add(a.proposal); else this.rejected.delete(a.proposal); };
    }

    get frames() { return this.player.frames; }
    get video() { return this.doc.video; }
    get length() { return this.frames.length; }
    get tracks() { return [...new Set(['', ...(this.doc.byTrack?.keys() ?? []), ...this.extraTracks])].sort(); }
    get chosen() { return [...this.selected].map(id => this.doc.rows.get(id)).filter(row => row && !row.deleted); }
    colourOf(row) { const label = this.doc.labels.get(row.label_id); return label?.colour || colour(label?.name); }

    // Where an edit happens: the start of the frame on the screen; while playing, what a person saw
    // who needed his reaction time to press the key.
    get now() {
      const {player} = this;
      if (player.playing) return this.frames.nearest(Math.max(0, player.time - this.delay * 1000));
      return player.frame === this.frames.count - 1 && player.time > this.length - 1 ? this.length : player.frameStart;
    }

    // The end of the video counts as reached when its last frame is shown.
    get nowAsEnd() { return this.player.frame === this.frames.count - 1 && !this.player.playing ? this.length : this.now; }

    reset() {
      this.selected.clear(); this.recording.clear();
      this.marks = {into: null, out: null}; this.proposal = null;
    }

    // ---- choosing -------------------------------------------------------------------------------

    pick(row, more = false) {
      if (!more) this.selected.clear();
      if (row) { if (more && this.selected.has(row.id)) this.selected.delete(row.id); else this.selected.add(row.id); this.activeTrack = row.track; }
      this.proposal = null;
      this.onSelect();
    }

    pickAll(rows) { this.selected = new Set(rows.map(row => row.id)); this.proposal = null; this.onSelect(); }
    selectTrack() { this.pickAll(this.doc.track(this.activeTrack)); }
    withSelected(row) { return this.selected.has(row.id) ? this.chosen : [row]; }
    chooseTrack(name) { this.activeTrack = name; this.onSelect(); }

    lane(step) {
      const {tracks} = this, n = tracks.indexOf(this.activeTrack);
      this.chooseTrack(tracks[Math.min(Math.max(0, n + step), tracks.length - 1)]);
    }

    next(step) {
      const rows = this.doc.track(this.activeTrack);
      if (!rows.length) return;
      const last = this.chosen.filter(row => row.track === this.activeTrack).at(-1);
      let n = last ? rows.findIndex(row => row.id === last.id) + step
        : step > 0 ? rows.findIndex(row => row.start_us >= this.player.frameStart) : rows.findLastIndex(row => row.start_us < this.player.frameStart);
      if (n < 0 || n >= rows.length) { if (!last) n = step > 0 ? rows.length - 1 : 0; else return; }
      this.pick(rows[n]);
      this.player.pause();
      this.player.seek(rows[n].start_us);
    }

    // ---- making ---------------------------------------------------------------------------------

    // What changes nothing is nothing to undo.
    apply(name, rows, answers) {
      const after = rows.filter(row => { const was = this.doc.rows.get(row.id); return !was || Object.keys(row).some(key => row[key] !== was[key]); });
      if (after.length || answers?.length) this.doc.do(name, after, answers);
    }

    // A segment of the active label; without one the label is asked for first.
    create(from, to, values = {}) {
      const [start_us, end_us] = from <= to ? [from, to] : [to, from];
      if (end_us <= start_us && values.kind !== 'point') return say('A segment needs at least one frame.');
      const label_id = values.label_id ?? this.activeLabel;
      if (!label_id && values.kind !== 'ignore') return this.chooseLabel(label => this.create(start_us, end_us, {...values, label_id: label}));
      const row = this.doc.make({start_us, end_us, label_id: label_id ?? null, track: this.activeTrack, ...values});
      this.apply('create', [...this.contiguous && row.kind !== 'point' ? this.carved(row.track, start_us, end_us) : [], row]);
      this.marks = {into: null, out: null};
      this.pick(row);
    }

    // What must give way for a span to be free: cut, cut in two, or removed.
    carved(track, from, to, except = new Set()) {
      const after = [];
      for (const row of this.doc.within(track, from, to)) {
        if (except.has(row.id) || row.kind === 'point' || row.end_us <= from || row.start_us >= to) continue;
        if (row.start_us < from && row.end_us > to) after.push({...row, end_us: from}, this.doc.make({...row, id: window.Studio.uuid(), version: null, start_us: to}));
        else if (row.start_us < from) after.push({...row, end_us: from});
        else if (row.end_us > to) after.push({...row, start_us: to});
        else after.push({...row, deleted: true});
      }
      return after;
    }

    mark(which) {
      const [row, ...others] = this.chosen;
      if (row && !others.length && row.kind !== 'point') {
        const at = which === 'into' ? this.now : this.nowAsEnd;
        const rows = this.edgeMoved(row, which === 'into' ? 'start' : 'end', at, this.contiguous);
        return this.apply(which === 'into' ? 'set the start' : 'set the end', rows);
      }
      this.marks[which] = which === 'into' ? this.now : this.nowAsEnd;
      const {into, out} = this.marks;
      if (into !== null && out !== null && out <= into) this.marks[which === 'into' ? 'out' : 'into'] = null;
      this.onSelect();
    }

    createMarked() {
      if (this.recording.size) return this.endRecordings();
      const {into, out} = this.marks;
      if (into === null && out === null) return say('Set in (I) and out (O) first, or drag on the ruler.');
      this.create(into ?? this.now, out ?? this.nowAsEnd);
    }

    // A label key while playing begins a segment, the same key ends it; in contiguous mode another
    // label's key ends it too.
    record(label_id) {
      const at = this.now, open = this.recording.get(label_id);
      if (open) { this.recording.delete(label_id); this.finish(open, at); return; }
      if (this.contiguous) this.endRecordings(at);
      this.recording.set(label_id, {label: label_id, start_us: at, track: this.activeTrack});
      this.activeLabel = label_id;
      this.onSelect();
    }

    endRecordings(at = this.now) {
      const open = [...this.recording.values()];
      this.recording.clear();
      for (const each of open) this.finish(each, at);
    }

    finish({label, start_us, track}, at) {
      const end_us = at >= this.frames.start(this.frames.count - 1) ? this.length : at;
      if (end_us <= start_us) return say('A segment needs at least one frame.');
      const row = this.doc.make({start_us, end_us, label_id: label, track});
      this.apply('record', [...this.contiguous ? this.carved(track, start_us, end_us) : [], row]);
      this.onSelect();
    }

    // From the end of the segment before to the playhead.
    extend() {
      const at = this.nowAsEnd, before = this.before(at);
      if (before >= at) return say('There is a segment here already.');
      this.create(before, at);
      this.selected.clear();  // so that the next label key labels what comes
      this.onSelect();
    }

    before(at) { return this.doc.track(this.activeTrack).reduce((far, r) => r.kind !== 'point' && r.start_us < at ? Math.max(far, r.end_us) : far, 0); }

    fillGap() {
      const at = this.player.frameStart, rows = this.doc.track(this.activeTrack).filter(r => r.kind !== 'point');
      if (rows.some(r => r.start_us <= at && r.end_us > at)) return say('There is a segment here, no gap.');
      const from = rows.reduce((far, r) => r.end_us <= at ? Math.max(far, r.end_us) : far, 0);
      this.create(from, rows.find(r => r.start_us > at)?.start_us ?? this.length);
    }

    point() { const at = Math.min(this.now, this.length - 1); this.create(at, at, {kind: 'point'}); }
    ignore() { const {into, out} = this.marks; if (into === null || out === null) return say('Set in (I) and out (O) around what nobody shall judge.'); this.create(into, out, {kind: 'ignore', label_id: null}); }

    // ---- changing -------------------------------------------------------------------------------

    split() {
      const at = this.player.frameStart, inside = row => row.kind !== 'point' && row.start_us < at && row.end_us > at;
      const rows = (this.chosen.some(inside) ? this.chosen : this.doc.within(this.activeTrack, at, at)).filter(inside);
      if (!rows.length) return say('No segment to split at the playhead.');
      const after = [], right = [];
      for (const row of rows) {
        const second = this.doc.make({...row, id: window.Studio.uuid(), version: null, start_us: at});
        after.push({...row, end_us: at}, second);
        right.push(second);
        for (const part of this.partsOf(row)) if (part.start_us >= at) after.push({...part, parent_id: second.id});
      }
      this.apply('split', after);
      this.pickAll(right);
    }

    partsOf(row) { return this.doc.live.filter(other => other.parent_id === row.id); }

    merge() {
      let rows = this.chosen.filter(row => row.kind !== 'point').sort((a, b) => a.start_us - b.start_us);
      if (rows.length === 1) {
        const next = this.doc.track(rows[0].track).find(r => r.start_us >= rows[0].start_us && r.id !== rows[0].id && r.kind === rows[0].kind && r.label_id === rows[0].label_id);
        if (!next) return say('No later segment of this label to merge with.');
        rows = [rows[0], next];
      }
      if (rows.length < 2 || new Set(rows.map(r => r.track)).size > 1) return say('Choose segments of one track to merge.');
      const [first, ...rest] = rows;
      const merged = {...first, end_us: Math.max(...rows.map(r => r.end_us)), note: rows.map(r => r.note).filter(Boolean).join(' · ')};
      const parts = rest.flatMap(row => this.partsOf(row)).filter(p => !rows.includes(p)).map(part => ({...part, parent_id: first.id}));
      this.apply('merge', [merged, ...rest.map(row => ({...row, deleted: true})), ...parts]);
      this.pick(merged);
    }

    // One edge at another place, never past the other edge. Shared: a neighbour that touches it moves
    // along.
    edgeMoved(row, part, us, shared) {
      const {frames} = this, others = shared ? this.doc.within(row.track, row.start_us, row.end_us).filter(r => r.id !== row.id && r.kind !== 'point') : [];
      const old = part === 'start' ? row.start_us : row.end_us;
      const touching = others.filter(r => (part === 'start' ? r.end_us : r.start_us) === old);
      let least = part === 'start' ? 0 : frames.start(frames.index(row.start_us) + 1);
      let most = part === 'start' ? frames.start(frames.index(row.end_us - 1)) : this.length;
      for (const r of touching) {
        if (part === 'start') least = Math.max(least, frames.start(frames.index(r.start_us) + 1));
        else most = Math.min(most, frames.start(frames.index(r.end_us - 1)));
      }
      const at = Math.min(Math.max(us, least), most);
      return [part === 'start' ? {...row, start_us: at} : {...row, end_us: at},
        ...touching.map(r => part === 'start' ? {...r, end_us: at} : {...r, start_us: at})];
    }

    // All as far as takes `anchor` to a place; `exact` is a time that is kept though no frame starts there.
    allMoved(rows, anchor, to, exact = null) {
      const first = Math.min(...rows.map(r => r.start_us)), last = Math.max(...rows.map(r => r.end_us));
      const by = Math.min(Math.max(to - anchor.start_us, -first), this.length - last);
      const nearest = us => us >= this.length ? this.length : us === exact ? us : this.frames.nearest(us);
      return rows.map(row => {
        const start_us = nearest(row.start_us + by);
        const end_us = row.kind === 'point' ? start_us : Math.max(nearest(row.end_us + by), this.frames.start(this.frames.index(start_us) + 1));
        return {...row, start_us, end_us};
      });
    }

    nudge(part, step) {
      const rows = this.chosen.filter(row => row.kind !== 'point'), points = this.chosen.filter(row => row.kind === 'point');
      // An imported edge may lie within a frame: one step back is then to the start of that frame.
      const by = us => { const {frames} = this, n = us >= this.length ? frames.count : frames.index(us); return frames.start(n + step + (step < 0 && us - frames.start(n) > 0.5 ? 1 : 0)); };
      const after = new Map();
      for (const row of rows) for (const moved of this.edgeMoved(after.get(row.id) ?? row, part, by(part === 'start' ? row.start_us : row.end_us), this.contiguous)) after.set(moved.id, moved);
      for (const row of points) { const at = Math.min(by(row.start_us), this.frames.start(this.frames.count - 1)); after.set(row.id, {...row, start_us: at, end_us: at}); }
      if (!after.size) return say('Choose a segment first.');
      this.apply('nudge', [...after.values()]);
      const [row] = [...after.values()];
      this.player.seek(part === 'start' || row.kind === 'point' ? row.start_us : row.end_us - 1);
    }

    setTimes(row, start_us, end_us) {
      const start = this.frames.nearest(Math.min(Math.max(0, start_us), this.length));
      if (row.kind === 'point') return this.apply('set the time', [{...row, start_us: start, end_us: start}]);
      const end = end_us >= this.length ? this.length : this.frames.nearest(end_us);
      if (end <= start) return say('A segment must end after it starts.', 'bad');
      this.apply('set the times', [{...row, start_us: start, end_us: end}]);
    }

    change(name, values) { this.apply(name, this.chosen.map(row => ({...row, ...values})).filter((row, i) => Object.keys(values).some(k => this.chosen[i][k] !== row[k]))); this.onSelect(); }

    // A label key: relabels what is chosen; while playing it records; else it becomes the active one.
    label(label_id) {
      if (this.selected.size) {
        this.apply('relabel', this.chosen.filter(r => r.label_id !== label_id || r.kind === 'ignore').map(row => ({...row, label_id, kind: row.kind === 'ignore' ? 'interval' : row.kind})));
        this.activeLabel = label_id;
        return this.onSelect();
      }
      if (this.player.playing || this.recording.has(label_id)) return this.record(label_id);
      this.activeLabel = label_id;
      const {into, out} = this.marks;
      if (into !== null && out !== null) return this.create(into, out);
      this.onSelect();
    }

    remove() {
      const rows = this.chosen;
      if (!rows.length) return;
      // What came from a proposal and goes again is not proposed once more.
      const from = this.proposals?.rows.filter(p => this.selected.has(p.id)) ?? [];
      this.apply('delete', rows.map(row => ({...row, deleted: true})), from.map(p => ({proposal: p.id, run: this.proposals.run, rejected: true})));
      this.pick(null);
    }

    // Part of the shortest segment that encloses it.
    nest(on) {
      const rows = this.chosen;
      if (!on) return this.change('make a whole', {parent_id: null});
      const after = [];
      for (const row of rows) {
        const around = this.doc.live.filter(r => r.kind === 'interval' && !this.selected.has(r.id) && r.start_us <= row.start_us && r.end_us >= row.end_us && r.parent_id !== row.id && (r.start_us < row.start_us || r.end_us > row.end_us));
        around.sort((a, b) => (a.end_us - a.start_us) - (b.end_us - b.start_us));
        if (around[0] && around[0].id !== row.parent_id) after.push({...row, parent_id: around[0].id});
      }
      if (!after.length) return say('No other segment encloses what is chosen.');
      this.apply('make a part', after);
      this.onSelect();
    }

    undo() { const op = this.doc.undo(); say(op ? `Undone: ${op.name}.` : 'Nothing to undo.'); this.settle(); }
    redo() { const op = this.doc.redo(); say(op ? `Done again: ${op.name}.` : 'Nothing to do again.'); this.settle(); }
    settle() { for (const id of [...this.selected]) if (this.doc.rows.get(id)?.deleted ?? true) this.selected.delete(id); this.onSelect(); }

    clear() {
      if (this.recording.size) this.recording.clear();
      else if (this.marks.into !== null || this.marks.out !== null) this.marks = {into: null, out: null};
      else { this.selected.clear(); this.proposal = null; }
      this.onSelect();
    }
  };
})();
