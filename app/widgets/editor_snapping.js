// Snapping in the editor: what attracts an edge, while it is dragged and on request.
(() => {
  const {say} = window.Studio, SECOND = 1e6;

  Object.defineProperties(window.Studio.Editor.prototype, Object.getOwnPropertyDescriptors({
    wantsSnap(altKey) { return this.snaps !== altKey; },

    // The nearest edge, mark, change of a run or shot cut within `reach`, or the playhead as it stood
    // before the drag, which shows what is dragged; else null.
    near(us, reach, except, head) {
      let best = null, near = reach;
      const offer = at => { const away = Math.abs(at - us); if (away < near) { near = away; best = at; } };
      for (const track of this.tracks) for (const row of this.doc.within(track, us - reach, us + reach)) if (!except.has(row.id)) { offer(row.start_us); offer(row.end_us); }
      offer(head);
      for (const list of [this.boundaries, this.cuts, [this.marks.into ?? Infinity, this.marks.out ?? Infinity]]) for (const at of list) offer(this.frames.nearest(at));
      return best;
    },

    // The chosen segment's edges to the nearest change of the run or shot cut within a second.
    snapEdges() {
      const places = [...this.boundaries, ...this.cuts].map(us => this.frames.nearest(us)), after = new Map();
      if (!places.length) return say('No change of a run and no shot cut to snap to; choose a run.');
      const near = us => places.reduce((best, at) => Math.abs(at - us) < Math.abs(best - us) ? at : best, places[0]);
      for (const row of this.chosen.filter(r => r.kind !== 'point')) {
        const start_us = Math.abs(near(row.start_us) - row.start_us) <= SECOND ? near(row.start_us) : row.start_us;
        const end_us = Math.abs(near(row.end_us) - row.end_us) <= SECOND ? near(row.end_us) : row.end_us;
        if (end_us > start_us && (start_us !== row.start_us || end_us !== row.end_us)) after.set(row.id, {...row, start_us, end_us});
      }
      if (!after.size) return say(this.selected.size ? 'The edges stand there already.' : 'Choose a segment first.');
      this.apply('snap', [...after.values()]);
    },
  }));
})();
