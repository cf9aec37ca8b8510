// The timeline of Annotate: minimap, filmstrip, ruler, a lane for each track, and dashed below them
// what a run proposes. One canvas; only what is in sight is drawn.
(() => {
  const {el, colour, clock, TimeAxis} = window.Studio;
  const SIDE = 96, MINI = 16, STRIP = 44, RULER = 22, LANE = 34, SUB = 22, GAP = 4, MOST_ABOVE = 1000, PIXELS = 2;

  window.Studio.Timeline = class extends TimeAxis {
    // `ed` is the editor: its document, selection, proposals, marks.
    constructor(ed) {
      super('Timeline of the segments', {side: SIDE, least: 120_000});
      this.ed = ed;
      this.lanes = []; this.preview = new Map(); this.strip = null; this.ghost = null; this.box = null;
      this.pictures = new Map();
    }

    // ---- where things are -----------------------------------------------------------------------

    arrange() {
      const {doc, proposals} = this.ed;
      let top = MINI + GAP + (this.hasFilm ? STRIP + GAP : 0);
      this.rulerTop = top;
      top += RULER;
      this.lanes = this.ed.tracks.map(name => {
        const count = doc.byTrack?.get(name)?.sub.count ?? 1, row = count > 1 ? SUB : LANE;
        const lane = {kind: 'track', name, top, row, height: row * Math.min(count, 8)};
        top += lane.height + GAP;
        return lane;
      });
      if (proposals) { this.lanes.push({kind: 'proposals', name: proposals.name, mark: proposals.mark, top, row: LANE, height: LANE}); top += LANE + GAP; }
      const height = `${top}px`;
      if (this.element.style.height !== height) { this.element.style.height = height; this.resize(); }
      this.dirty = true;
    }

    laneAt(y) { return this.lanes.find(lane => y >= lane.top - GAP / 2 && y < lane.top + lane.height + GAP / 2) ?? null; }

    rows(lane, from, to) { return lane.kind === 'track' ? this.ed.doc.within(lane.name, from, to) : this.ed.proposalsWithin(from, to); }

    // Left, top, width and height of a row in its lane.
    place(lane, row) {
      const shown = this.preview.get(row.id) ?? row;
      const sub = lane.kind === 'track' ? Math.min(this.ed.doc.byTrack.get(lane.name)?.sub.get(row.id) ?? 0, lane.height / lane.row - 1) : 0;
      const x = this.x(shown.start_us);
      return [x, lane.top + sub * lane.row, Math.max(1, this.x(shown.end_us) - x), lane.row - (lane.row === SUB ? 1 : 0)];
    }

    // What is under the pointer: a row and which part of it.
    hit(x, y) {
      const lane = this.laneAt(y);
      if (!lane || x < SIDE) return {lane, row: null};
      const reach = (this.to - this.from) / (this.width - SIDE) * 7, us = this.at(x);
      let best = null;
      for (const row of this.rows(lane, us - reach, us + reach)) {
        const [left, top, width, height] = this.place(lane, row);
        if (y < top || y >= top + height) continue;
        if (row.kind === 'point') { if (Math.abs(x - left) <= 7) best = {lane, row, part: 'body'}; continue; }
        const tolerance = Math.min(5, width / 4);
        if (x < left - 2 || x > left + width + 2) continue;
        const part = lane.kind === 'proposals' ? this.button(x, left, width) : x - left <= tolerance ? 'start' : left + width - x <= tolerance ? 'end' : 'body';
        if (!best || part === 'body' || this.ed.selected.has(row.id)) best = {lane, row, part};
      }
      return best ?? {lane, row: null};
    }

    // The ✓ and ✗ of a proposal stand at its right, where there is room.
    button(x, left, width) { return width < 54 || x < left + width - 40 ? 'body' : x < left + width - 20 ? 'accept' : 'reject'; }

    // ---- drawing ----------------------------------------------------------------------------------

    draw(g) {
      const {ink} = this;
      this.fills = new Map();
      this.moving = this.drawnFrom !== this.from || this.drawnTo !== this.to;
      this.drawnFrom = this.from; this.drawnTo = this.to;
      this.minimap(g);
      if (this.hasFilm) this.film(g, MINI + GAP);
      this.ruler(g, this.rulerTop, RULER);
      this.marks(g);
      for (const lane of this.lanes) {
        this.lane(g, lane);
        const active = lane.kind === 'track' && lane.name === this.ed.activeTrack;
        g.fillStyle = active ? ink.text : ink.dim;
        g.font = `${active ? 650 : 400} 13px ${this.font}`;
        if (active) { g.fillStyle = ink.accent; g.fillRect(0, lane.top + 4, 3, lane.height - 8); g.fillStyle = ink.text; }
        g.fillText(this.fitted(g, lane.kind === 'track' ? lane.name || 'segments' : `${lane.mark ?? ''} ${lane.name}`, SIDE - 18), 8, lane.top + lane.height / 2 + 1);
      }
      this.overlays(g);
    }

    // A track at rest is kept as a picture, above which stand what is chosen and what is dragged.
    lane(g, lane) {
      const {doc, selected} = this.ed, wide = this.width - SIDE, above = this.above(lane);
      g.save(); g.beginPath(); g.rect(SIDE, lane.top, wide, lane.height); g.clip();
      if (lane.kind !== 'track' || this.moving || selected.size > MOST_ABOVE || above.some(row => this.preview.has(row.id)) || !Number.isInteger(window.devicePixelRatio)) {
        g.fillStyle = this.ink.raised; g.fillRect(SIDE, lane.top, wide, lane.height);
        this.segments(g, lane, new Set(above));
      } else {
        g.drawImage(this.picture(`lane ${lane.name}`, wide, lane.height, [doc.byTrack.get(lane.name), this.from, this.to, lane.row], inside => {
          inside.translate(-SIDE, -lane.top);
          this.segments(inside, lane);
        }), SIDE, lane.top, wide, lane.height);
      }
      for (const row of above) this.segment(g, lane, row);
      g.restore();
    }

    above(lane) {
      const {doc, selected} = this.ed;
      return [...new Set([...this.preview.keys(), ...selected.size > MOST_ABOVE ? [] : selected])].map(id => doc.rows.get(id)).filter(row => row && !row.deleted && row.track === lane.name);
    }

    // Where several fall on one pixel, one of them. To change the colour is what costs: thin ones
    // wait, and are drawn colour by colour.
    segments(g, lane, except = new Set()) {
      const {doc} = this.ed, step = PIXELS * (this.to - this.from) / (this.width - SIDE);
      const rows = lane.kind === 'track' ? doc.seen(lane.name, this.from, this.to, step) : this.rows(lane, this.from, this.to);
      const thin = new Map();
      for (const row of rows) if (!except.has(row)) this.segment(g, lane, row, thin);
      for (const [fill, places] of thin) { g.fillStyle = fill; for (const [x, top, width, height] of places) g.fillRect(x, top, width, height); }
    }

    // A picture that is drawn anew only when something that it shows changed.
    picture(name, wide, high, shows, draw) {
      const dpr = window.devicePixelRatio || 1, known = this.pictures.get(name);
      const all = [...shows, wide, high, dpr, this.ed.doc.labels, this.ink.raised];
      if (known?.shows.every((each, n) => each === all[n])) return known.canvas;
      const canvas = known?.canvas ?? document.createElement('canvas');
      if (!known || canvas.width !== Math.floor(wide * dpr) || canvas.height !== Math.floor(high * dpr)) Object.assign(canvas, {width: wide * dpr, height: high * dpr});
      const g = canvas.getContext('2d', {alpha: false});
      g.setTransform(dpr, 0, 0, dpr, 0, 0);
      g.fillStyle = this.ink.raised; g.fillRect(0, 0, wide, high);
      g.textBaseline = 'middle';
      draw(g);
      this.pictures.set(name, {canvas, shows: all});
      return canvas;
    }

    minimap(g) {
      const {ink} = this, {doc, tracks} = this.ed, wide = this.width - SIDE, x = us => SIDE + us / this.length * wide, each = MINI / Math.max(1, tracks.length);
      tracks.forEach((name, n) => g.drawImage(this.picture(`map ${name}`, wide, Math.max(1, Math.floor(each)), [doc.byTrack.get(name), this.length], inside => {
        for (const row of doc.seen(name, 0, this.length, PIXELS * this.length / wide)) {
          inside.fillStyle = this.fill(row);
          inside.fillRect(row.start_us / this.length * wide, 0, Math.max(PIXELS, (row.end_us - row.start_us) / this.length * wide), Math.max(2, each - 1));
        }
      }), SIDE, n * each, wide, each));
      g.strokeStyle = ink.text; g.lineWidth = 1.5;
      g.strokeRect(x(this.from) + .75, .75, Math.max(4, x(this.to) - x(this.from) - 1.5), MINI - 1.5);
      g.fillStyle = ink.text; g.fillRect(x(this.now) - .5, 0, 1.5, MINI);
    }

    film(g, top) {
      const {strip} = this;
      g.fillStyle = this.ink.raised; g.fillRect(SIDE, top, this.width - SIDE, STRIP);
      if (!strip?.image.complete) return;
      const each = STRIP * strip.width / strip.height;
      g.save(); g.beginPath(); g.rect(SIDE, top, this.width - SIDE, STRIP); g.clip();
      // Pictures stand still while one zooms: they start at whole multiples of their width.
      for (let x = SIDE; x < this.width; x += each) {
        const n = Math.min(strip.count - 1, Math.floor(this.inside(x + each / 2) / this.length * strip.count));
        g.drawImage(strip.image, n % strip.columns * strip.width, Math.floor(n / strip.columns) * strip.height, strip.width, strip.height, x, top, each, STRIP);
      }
      g.restore();
    }

    // Asked once a drawing for each label: thousands of segments have the same few.
    fill(row) {
      const of = row.kind === 'ignore' ? 'ignore' : row.label_id;
      if (!this.fills.has(of)) this.fills.set(of, of === 'ignore' ? colour('background') : this.ed.colourOf(row));
      return this.fills.get(of);
    }

    // What is thin is put into `thin`, colour by colour.
    segment(g, lane, row, thin = null) {
      const {ed, ink} = this, [x, top, width, height] = this.place(lane, row), chosen = ed.selected.has(row.id);
      if (lane.kind === 'proposals') return this.proposal(g, row, x, top, width, height);
      if (row.kind === 'point') return this.point(g, row, x, top, height, chosen);
      const fill = this.fill(row), place = [x, top, Math.max(PIXELS, width), height];
      if (thin && width <= 4 && !chosen && row.kind === 'interval') { if (thin.has(fill)) thin.get(fill).push(place); else thin.set(fill, [place]); return; }
      g.fillStyle = fill;
      g.fillRect(x, top, Math.max(1, width - (width > 4 ? 1 : 0)), height);
      if (row.kind === 'ignore') this.hatch(g, x, top, width, height, ink.surface);
      if (row.note && width > 10) { g.fillStyle = ink.surface; g.beginPath(); g.arc(x + width - 6, top + 5, 2.5, 0, 7); g.fill(); }
      if (width > 24) this.label(g, row, x, top, width, height);
      if (chosen) { g.strokeStyle = ink.text; g.lineWidth = 2; g.strokeRect(x + 1, top + 1, Math.max(1, width - 3), height - 2); }
    }

    label(g, row, x, top, width, height) {
      const left = Math.max(x, SIDE), room = Math.min(x + width, this.width) - left - 10;
      if (room < 14) return;
      g.font = `${height > 24 ? 13 : 12}px ${this.font}`;
      g.fillStyle = row.kind === 'ignore' ? this.ink.text : 'rgba(15,17,21,.92)';
      g.fillText(this.fitted(g, this.ed.doc.name(row), room), left + 5, top + height / 2 + 1);
    }

    point(g, row, x, top, height, chosen) {
      const size = 7, y = top + height / 2;
      g.fillStyle = this.fill(row);
      g.beginPath(); g.moveTo(x, y - size); g.lineTo(x + size, y); g.lineTo(x, y + size); g.lineTo(x - size, y); g.closePath(); g.fill();
      if (chosen) { g.strokeStyle = this.ink.text; g.lineWidth = 2; g.stroke(); }
    }

    proposal(g, row, x, top, width, height) {
      const {ink, ed} = this, chosen = ed.proposal?.id === row.id;
      g.globalAlpha = .15 + .45 * row.confidence; g.fillStyle = ed.colourOf(row); g.fillRect(x, top, width, height);
      g.globalAlpha = 1;
      g.strokeStyle = chosen ? ink.text : ink.dim; g.lineWidth = chosen ? 2 : 1; g.setLineDash([4, 3]);
      g.strokeRect(x + 1, top + 1, Math.max(1, width - 2), height - 2); g.setLineDash([]);
      const buttons = width >= 54;
      g.font = `13px ${this.font}`; g.fillStyle = ink.text;
      const room = width - 10 - (buttons ? 40 : 0);
      if (room > 20) g.fillText(this.fitted(g, `${row.label} ${row.confidence.toFixed(2).replace(/^0/, '')}`, room), Math.max(x, SIDE) + 5, top + height / 2 + 1);
      if (buttons) { g.fillStyle = ink.good; g.fillText('✓', x + width - 36, top + height / 2 + 1); g.fillStyle = ink.bad; g.fillText('✗', x + width - 17, top + height / 2 + 1); }
    }

    // Where edges may snap to: what a run says changes there (up), and shot cuts (full height).
    marks(g) {
      const {ink, ed} = this, top = this.rulerTop, tick = (us, h, ink) => { if (us >= this.from && us <= this.to) { g.fillStyle = ink; g.fillRect(this.x(us) - .5, top + RULER - h, 1, h); } };
      for (const us of ed.boundaries) tick(us, 5, ink.accent);
      for (const us of ed.cuts) tick(us, RULER, ink.warn);
    }

    overlays(g) {
      const {ed, ink} = this, {into, out} = ed.marks, bottom = this.lanes.at(-1), foot = bottom ? bottom.top + bottom.height : 0;
      const line = (us, text) => {
        const x = this.x(us);
        g.fillStyle = ink.accent; g.fillRect(x - .75, this.rulerTop, 1.5, foot - this.rulerTop);
        g.font = `650 12px ${this.font}`; g.fillText(text, text === '[' ? x + 2 : x - 6, this.rulerTop + 8);
      };
      if (into !== null && out !== null) { g.globalAlpha = .18; g.fillStyle = ink.accent; g.fillRect(this.x(into), this.rulerTop, this.x(out) - this.x(into), foot - this.rulerTop); g.globalAlpha = 1; }
      if (into !== null) line(into, '[');
      if (out !== null) line(out, ']');
      for (const {label, start_us, track} of ed.recording.values()) {
        const lane = this.lanes.find(l => l.kind === 'track' && l.name === track), x = this.x(start_us);
        if (!lane) continue;
        g.globalAlpha = .6; g.fillStyle = ed.colourOf({label_id: label}); g.fillRect(x, lane.top, Math.max(2, this.x(this.now) - x), lane.height); g.globalAlpha = 1;
        g.fillStyle = ink.bad; g.beginPath(); g.arc(x + 8, lane.top + 8, 4, 0, 7); g.fill();
      }
      if (this.ghost) { g.globalAlpha = .35; g.fillStyle = ink.accent; g.fillRect(this.x(this.ghost[0]), this.rulerTop, this.x(this.ghost[1]) - this.x(this.ghost[0]), foot - this.rulerTop); g.globalAlpha = 1; }
      if (this.box) { const [a, b, c, d] = this.box; g.strokeStyle = ink.accent; g.lineWidth = 1; g.setLineDash([3, 3]); g.strokeRect(Math.min(a, c), Math.min(b, d), Math.abs(c - a), Math.abs(d - b)); g.setLineDash([]); }
    }

    paint() {
      const before = this.shownNow;
      this.shownNow = this.now;
      // The playhead is an element of its own; the minimap and what is being recorded are drawn.
      if (before !== this.now && (this.ed.recording.size || Math.abs(this.now - (this.mapNow ?? -1e9)) > this.length / 400)) { this.mapNow = this.now; this.dirty = true; }
      else if (this.moving) this.dirty = true;  // once more, at rest
      super.paint();
    }

    follow(us) {
      if (this.dragging) { this.now = us; return; }
      super.follow(us);
    }

    describe({row, lane}) {
      if (!row) return '';
      const name = lane.kind === 'proposals' ? `proposed: ${row.label} · ${row.confidence.toFixed(2)}` : this.ed.doc.name(row);
      const when = row.kind === 'point' ? clock(row.start_us) : `${clock(row.start_us)} – ${clock(row.end_us)} (${((row.end_us - row.start_us) / 1e6).toFixed(2)} s)`;
      return `${name} · ${when}${row.note ? ` · ${row.note}` : ''}`;
    }

    // Room for the pictures is kept before they are there, so that nothing jumps when they come.
    setStrip(strip, hasFilm = this.hasFilm) {
      this.strip = strip; this.hasFilm = hasFilm;
      if (strip) {
        strip.image = el('img', {src: `/strips/${this.ed.video.id}`});
        strip.image.addEventListener('load', () => { this.dirty = true; });
      }
      this.arrange();
    }
  };
})();
