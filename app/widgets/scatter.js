// Points on a plane, drawn on a canvas of its own: tens of thousands stay fluent, since a picture of
// many points is written as pixels at once, and what moves with the pointer lies on a second canvas.
(() => {
  const {el} = window.Studio;
  const REACH = 12, MANY = 3000, CELL = 4;

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
      this.shown = new Uint8Array(0); this.chosen = null; this.marked = -1; this.lasso = null;
      this.listen();
      new ResizeObserver(() => this.resize()).observe(this.element);
    }

    set(x, y) {
      this.x = Float32Array.from(x); this.y = Float32Array.from(y);
      this.colour = new Uint16Array(x.length); this.shown = new Uint8Array(x.length).fill(1);
      this.grid = null; this.chosen = null; this.marked = -1;
      this.fit();
    }

    // A number into the palette for every point, and which are shown.
    paint(colour, palette, shown) { this.colour = colour; this.palette = palette; this.shown = shown; this.draw(); }
    choose(chosen) { this.chosen = chosen && chosen.size ? chosen : null; this.draw(); }
    mark(point) { if (point !== this.marked) { this.marked = point; this.drawTop(); } }

    // ---- the view: pixels = (place − middle) · scale + half the size, upwards positive -----------

    resize() {
      const {clientWidth: width, clientHeight: height} = this.element;
      if (!width || !height) return;
      this.ratio = window.devicePixelRatio || 1;
      const first = !this.width;
      this.width = width; this.height = height;
      for (const canvas of [this.base, this.top]) {
        canvas.width = Math.round(width * this.ratio); canvas.height = Math.round(height * this.ratio);
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

    drawBase() {
      const g = this.base.getContext('2d');
      g.setTransform(1, 0, 0, 1, 0, 0);
      g.clearRect(0, 0, this.base.width, this.base.height);
      if (this.x.length > MANY) this.drawMany(g); else this.drawFew(g);
    }

    // What is not chosen stands back.
    order() { return this.chosen ? [i => !this.chosen.has(i), i => this.chosen.has(i)] : [() => true]; }

    drawFew(g) {
      g.scale(this.ratio, this.ratio);
      const size = this.x.length > 800 ? 3 : 4;
      this.order().forEach((belongs, pass, all) => {
        g.globalAlpha = all.length > 1 && !pass ? 0.18 : 0.9;
        this.palette.forEach((colour, c) => {
          g.fillStyle = colour;
          g.beginPath();
          for (let i = 0; i < this.x.length; i++) {
            if (this.colour[i] !== c || !this.shown[i] || !belongs(i)) continue;
            const x = this.px(i), y = this.py(i);
            g.moveTo(x + size, y); g.arc(x, y, size, 0, 2 * Math.PI);
          }
          g.fill();
        });
      });
      g.globalAlpha = 1;
    }

    drawMany(g) {
      const {width, height} = this.base, image = g.createImageData(width, height), pixels = new Uint32Array(image.data.buffer);
      const side = Math.max(2, Math.round(3 * this.ratio)), half = side >> 1;
      const full = this.palette.map(colour => { const [r, green, b] = rgb(colour); return (255 << 24 | b << 16 | green << 8 | r) >>> 0; });
      const faint = full.map(value => ((value & 0xffffff) | 46 << 24) >>> 0);
      this.order().forEach((belongs, pass, all) => {
        const ink = all.length > 1 && !pass ? faint : full;
        for (let i = 0; i < this.x.length; i++) {
          if (!this.shown[i] || !belongs(i)) continue;
          const x = Math.round(this.px(i) * this.ratio) - half, y = Math.round(this.py(i) * this.ratio) - half;
          if (x < 0 || y < 0 || x + side > width || y + side > height) continue;
          for (let row = y; row < y + side; row++) pixels.fill(ink[this.colour[i]], row * width + x, row * width + x + side);
        }
      });
      g.putImageData(image, 0, 0);
    }

    drawTop(now) {
      if (!now) return this.ask('waitingTop', () => this.drawTop(true));
      const g = this.top.getContext('2d'), style = getComputedStyle(document.body);
      g.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
      g.clearRect(0, 0, this.width, this.height);
      g.strokeStyle = style.getPropertyValue('--text');
      g.lineWidth = 2;
      if (this.marked >= 0) { g.beginPath(); g.arc(this.px(this.marked), this.py(this.marked), 7, 0, 2 * Math.PI); g.stroke(); }
      if (!this.lasso) return;
      g.strokeStyle = style.getPropertyValue('--accent');
      g.lineWidth = 1.5;
      g.beginPath();
      for (let i = 0; i < this.lasso.length; i += 2) g.lineTo(this.lasso[i], this.lasso[i + 1]);
      g.closePath();
      g.stroke();
      g.globalAlpha = 0.1; g.fillStyle = style.getPropertyValue('--accent'); g.fill(); g.globalAlpha = 1;
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
        this.moved = true;
        this.draw();
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
        this.moved = true;
        this.draw();
      }, {passive: false});
    }
  };
})();
