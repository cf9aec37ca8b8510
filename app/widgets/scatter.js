// Points on a plane, drawn on a canvas of its own: tens of thousands stay fluent, since a picture of
// many points is written as pixels at once, reaches beyond what is seen, and is only shifted and
// stretched while the view moves; it is drawn anew at rest. What follows the pointer lies on a second
// canvas.
(() => {
  const {el} = window.Studio;
  const REACH = 12, MANY = 3000, CELL = 4;
  const MARGIN = 240, STRETCH = 1.3, REST = 120;  // pixels beyond what is seen; how far a picture is stretched; ms

  // The red, green and blue of any CSS colour.
  const brush = Object.assign(document.createElement('canvas'), {width: 1, height: 1}).getContext('2d', {willReadFrequently: true});
  const known = new Map();
  const rgb = colour => {
    if (!known.has(colour)) {
      brush.clearRect(0, 0, 1, 1); brush.fillStyle = colour; brush.fillRect(0, 0, 1, 1);
      known.set(colour, [...brush.getImageData(0, 0, 1, 1).data.slice(0, 3)]);
    }
    return known.get(colour);
  };

  // Whether a point lies in a polygon of [x, y, x, y, …]: a ray to the right crosses it an odd number of times.
  const inside = (x, y, polygon) => {
    let odd = false;
    for (let i = 0, j = polygon.length - 2; i < polygon.length; j = i, i += 2) {
      const [ax, ay, bx, by] = [polygon[i], polygon[i + 1], polygon[j], polygon[j + 1]];
      if ((ay > y) !== (by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax) odd = !odd;
    }
    return odd;
  };

  window.Studio.Scatter = class {
    // onHover(point or −1, event) · onClick(point) · onLasso([points]) · onClear()
    constructor(label, listeners) {
      Object.assign(this, listeners);
      this.base = el('canvas', {role: 'img', 'aria-label': label});
      this.top = el('canvas', {'aria-hidden': 'true'});
      this.element = el('div.map-canvas', {}, this.base, this.top);
      this.x = this.y = new Float32Array(0); this.colour = new Uint16Array(0); this.palette = [];
      this.shown = this.later = new Uint8Array(0); this.chosen = null; this.marked = -1; this.lasso = null;
      this.base.style.cssText = `inset:-${MARGIN}px;width:calc(100% + ${2 * MARGIN}px);height:calc(100% + ${2 * MARGIN}px);will-change:transform`;
      this.listen();
      new ResizeObserver(() => this.resize()).observe(this.element);
    }

    // Where points lie, and which of them came later: those are hollow.
    set(x, y, later = []) {
      this.x = Float32Array.from(x); this.y = Float32Array.from(y);
      this.colour = new Uint16Array(x.length); this.shown = new Uint8Array(x.length).fill(1);
      this.later = new Uint8Array(x.length);
      for (const i of later) this.later[i] = 1;
      this.grid = null; this.chosen = null; this.marked = -1;
      this.fit();
    }

    // A number into the palette for every point, and which are shown.
    paint(colour, palette, shown) { this.colour = colour; this.palette = palette; this.shown = shown; this.inks = null; this.draw(); }
    choose(chosen) { this.chosen = chosen && chosen.size ? chosen : null; this.draw(); }
    mark(point) { if (point !== this.marked) { this.marked = point; this.drawTop(); } }

    // ---- the view: pixels = (place − middle) · scale + half the size, upwards positive -----------

    resize() {
      const {clientWidth: width, clientHeight: height} = this.element;
      if (!width || !height) return;
      this.ratio = window.devicePixelRatio || 1;
      const first = !this.width;
      this.width = width; this.height = height;
      for (const [canvas, more] of [[this.base, 2 * MARGIN], [this.top, 0]]) {
        canvas.width = Math.round((width + more) * this.ratio); canvas.height = Math.round((height + more) * this.ratio);
      }
      if (first || !this.moved) this.fit(); else this.draw();
    }

    fit() {
      this.moved = false;
      let [a, b, c, d] = [Infinity, -Infinity, Infinity, -Infinity];
      for (let i = 0; i < this.x.length; i++) {
        a = Math.min(a, this.x[i]); b = Math.max(b, this.x[i]); c = Math.min(c, this.y[i]); d = Math.max(d, this.y[i]);
      }
      if (!(a <= b)) [a, b, c, d] = [0, 1, 0, 1];
      const wide = Math.max(b - a, 1e-9), high = Math.max(d - c, 1e-9);
      this.bounds = [a, c, wide, high];
      this.midX = (a + b) / 2; this.midY = (c + d) / 2;
      // One scale for both axes: distances mean the same in every direction.
      this.scale = 0.9 * Math.min((this.width || 100) / wide, (this.height || 100) / high);
      this.least = this.scale / 4;
      this.draw();
    }

    px(i) { return (this.x[i] - this.midX) * this.scale + this.width / 2; }
    py(i) { return (this.midY - this.y[i]) * this.scale + this.height / 2; }
    placeX(px) { return (px - this.width / 2) / this.scale + this.midX; }
    placeY(py) { return this.midY - (py - this.height / 2) / this.scale; }

    // ---- drawing ---------------------------------------------------------------------------------

    draw() { this.ask('waiting', () => { this.drawBase(); this.drawTop(true); }); }
    ask(name, run) {
      if (this[name]) return;
      this[name] = requestAnimationFrame(() => { this[name] = 0; if (this.width) run(); });
    }

    // The view has moved: what is drawn moves with it, and is drawn anew where it does not reach.
    move() {
      this.moved = true;
      clearTimeout(this.resting);
      this.resting = setTimeout(() => this.draw(), REST);
      this.ask('moving', () => { if (!this.follow()) this.drawBase(); this.drawTop(true); });
    }

    // Lay the drawn picture where the view is now; false where it would not cover what is seen.
    follow() {
      const {midX, midY, scale} = this.drawn, stretch = this.scale / scale;
      const x = (midX - this.midX) * this.scale, y = (this.midY - midY) * this.scale;
      const spare = size => (size / 2 + MARGIN) * stretch - size / 2;
      if (stretch > STRETCH || stretch < 1 / STRETCH || Math.abs(x) > spare(this.width) || Math.abs(y) > spare(this.height)) return false;
      // By whole pixels, which are copied and not mixed.
      const [right, down] = [x, y].map(size => Math.round(size * this.ratio) / this.ratio);
      this.base.style.transform = `translate(${right}px, ${down}px) scale(${stretch})`;
      return true;
    }

    drawBase() {
      const g = this.base.getContext('2d');
      this.drawn = {midX: this.midX, midY: this.midY, scale: this.scale};
      this.base.style.transform = 'none';
      if (this.x.length > MANY) return this.drawMany(g);
      g.setTransform(1, 0, 0, 1, 0, 0);
      g.clearRect(0, 0, this.base.width, this.base.height);
      g.translate(MARGIN * this.ratio, MARGIN * this.ratio);
      this.drawFew(g);
    }

    // What is not chosen stands back.
    order() { return this.chosen ? [i => !this.chosen.has(i), i => this.chosen.has(i)] : [() => true]; }

    drawFew(g) {
      g.scale(this.ratio, this.ratio);
      const size = this.x.length > 800 ? 3 : 4;
      this.order().forEach((belongs, pass, all) => {
        g.globalAlpha = all.length > 1 && !pass ? 0.18 : 0.9;
        this.palette.forEach((colour, c) => [0, 1].forEach(later => {
          g.fillStyle = g.strokeStyle = colour;
          g.lineWidth = 1.5;
          g.beginPath();
          for (let i = 0; i < this.x.length; i++) {
            if (this.colour[i] !== c || this.later[i] !== later || !this.shown[i] || !belongs(i)) continue;
            const x = this.px(i), y = this.py(i);
            g.moveTo(x + size, y); g.arc(x, y, size, 0, 2 * Math.PI);
          }
          if (later) g.stroke(); else g.fill();
        }));
      });
      g.globalAlpha = 1;
    }

    // What is seen, as SVG.
    drawing() { return {width: this.width, height: this.height, node: window.Studio.penned(pen => this.drawFew(pen))}; }

    drawMany(g) {
      const {width, height} = this.base, {x, y, shown, colour, chosen, later} = this, side = Math.max(2, Math.round(3 * this.ratio));
      if (this.image?.width !== width || this.image.height !== height) this.image = g.createImageData(width, height);
      const pixels = new Uint32Array(this.image.data.buffer), scale = this.scale * this.ratio, half = side >> 1;
      const left = (this.width / 2 + MARGIN) * this.ratio - this.midX * scale, top = (this.height / 2 + MARGIN) * this.ratio + this.midY * scale;
      const full = this.palette.map(colour => { const [r, green, b] = rgb(colour); return (255 << 24 | b << 16 | green << 8 | r) >>> 0; });
      const faint = full.map(value => ((value & 0xffffff) | 46 << 24) >>> 0);
      const put = (i, ink) => {
        const hollow = later[i], long = side + 2 * hollow, before = half + hollow;
        const column = Math.round(x[i] * scale + left) - before, row = Math.round(top - y[i] * scale) - before;
        if (column < 0 || row < 0 || column + long > width || row + long > height) return;
        for (let start = row * width + column, down = 0; down < long; down++, start += width) {
          const step = hollow && down && down < long - 1 ? long - 1 : 1;  // only its edge
          for (let at = start; at < start + long; at += step) pixels[at] = ink;
        }
      };
      pixels.fill(0);
      for (let i = 0; i < x.length; i++) if (shown[i]) put(i, (chosen ? faint : full)[colour[i]]);
      for (const i of chosen || []) if (shown[i]) put(i, full[colour[i]]);
      g.putImageData(this.image, 0, 0);
    }

    drawTop(now) {
      if (!now) return this.ask('waitingTop', () => this.drawTop(true));
      const empty = this.marked < 0 && !this.lasso;
      if (empty && this.blank) return;  // a canvas that is not touched is not composed anew
      this.blank = empty;
      const g = this.top.getContext('2d');
      this.inks ||= ['--text', '--accent'].map(name => getComputedStyle(document.body).getPropertyValue(name));
      g.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
      g.clearRect(0, 0, this.width, this.height);
      g.strokeStyle = this.inks[0];
      g.lineWidth = 2;
      if (this.marked >= 0) { g.beginPath(); g.arc(this.px(this.marked), this.py(this.marked), 7, 0, 2 * Math.PI); g.stroke(); }
      if (!this.lasso) return;
      g.strokeStyle = this.inks[1];
      g.lineWidth = 1.5;
      g.beginPath();
      for (let i = 0; i < this.lasso.length; i += 2) g.lineTo(this.lasso[i], this.lasso[i + 1]);
      g.closePath();
      g.stroke();
      g.globalAlpha = 0.1; g.fillStyle = this.inks[1]; g.fill(); g.globalAlpha = 1;
    }

    // ---- the nearest point ------------------------------------------------------------------------

    // Points by the cells of a grid, some to a cell, so that a look at few cells finds the nearest.
    buildGrid() {
      const n = this.x.length, side = Math.max(1, Math.ceil(Math.sqrt(n / CELL))), [a, c, wide, high] = this.bounds;
      const column = x => Math.min(side - 1, Math.max(0, Math.floor((x - a) / wide * side)));
      const row = y => Math.min(side - 1, Math.max(0, Math.floor((y - c) / high * side)));
      const starts = new Uint32Array(side * side + 1), points = new Uint32Array(n);
      const cell = Uint32Array.from({length: n}, (_, i) => row(this.y[i]) * side + column(this.x[i]));
      for (const each of cell) starts[each + 1]++;
      for (let k = 0; k < side * side; k++) starts[k + 1] += starts[k];
      const next = starts.slice();
      for (let i = 0; i < n; i++) points[next[cell[i]]++] = i;
      this.grid = {side, column, row, starts, points};
    }

    nearest(px, py) {
      if (!this.x.length) return -1;
      if (!this.grid) this.buildGrid();
      const {side, column, row, starts, points} = this.grid;
      let best = -1, least = REACH * REACH;
      const last = column(this.placeX(px + REACH)), up = row(this.placeY(py - REACH));
      for (let r = row(this.placeY(py + REACH)); r <= up; r++) {
        for (let c = column(this.placeX(px - REACH)); c <= last; c++) {
          for (let k = starts[r * side + c]; k < starts[r * side + c + 1]; k++) {
            const i = points[k], dx = this.px(i) - px, dy = this.py(i) - py, d = dx * dx + dy * dy;
            if (this.shown[i] && d < least) { least = d; best = i; }
          }
        }
      }
      return best;
    }

    within(polygon) {
      const found = [];
      for (let i = 0; i < this.x.length; i++) if (this.shown[i] && inside(this.px(i), this.py(i), polygon)) found.push(i);
      return found;
    }

    // ---- the pointer --------------------------------------------------------------------------------

    listen() {
      const {top} = this;
      let held = null;
      const at = e => { const box = top.getBoundingClientRect(); return [e.clientX - box.x, e.clientY - box.y]; };
      top.addEventListener('pointerdown', e => {
        if (e.button) return;
        top.setPointerCapture(e.pointerId);
        const [x, y] = at(e);
        held = {x, y, midX: this.midX, midY: this.midY, far: false};
        if (e.shiftKey) this.lasso = [x, y];
        this.onHover(-1, e);
      });
      top.addEventListener('pointermove', e => {
        const [x, y] = at(e);
        if (!held) return this.onHover(this.nearest(x, y), e);
        held.far ||= Math.hypot(x - held.x, y - held.y) > 3;
        if (this.lasso) { this.lasso.push(x, y); this.drawTop(); return; }
        if (!held.far) return;
        this.midX = held.midX - (x - held.x) / this.scale; this.midY = held.midY + (y - held.y) / this.scale;
        this.move();
      });
      const release = (e, taken) => {
        if (!held) return;
        const {far} = held, polygon = this.lasso;
        held = this.lasso = null;
        this.drawTop();
        if (!taken) return;
        if (polygon) { if (far) this.onLasso(this.within(polygon)); return; }
        const point = far ? -1 : this.nearest(...at(e));
        if (point >= 0) this.onClick(point);
      };
      top.addEventListener('pointerup', e => release(e, true));
      top.addEventListener('pointercancel', e => release(e, false));
      top.addEventListener('pointerleave', e => { if (!held) this.onHover(-1, e); });
      top.addEventListener('dblclick', () => this.fit());
      top.addEventListener('wheel', e => {
        e.preventDefault();
        const [x, y] = at(e), [placeX, placeY] = [this.placeX(x), this.placeY(y)];
        this.scale = Math.min(Math.max(this.scale * Math.exp(-e.deltaY * (e.deltaMode ? 0.05 : 0.0015)), this.least), this.least * 4000);
        this.midX = placeX - (x - this.width / 2) / this.scale; this.midY = placeY + (y - this.height / 2) / this.scale;
        this.move();
      }, {passive: false});
    }
  };
})();
