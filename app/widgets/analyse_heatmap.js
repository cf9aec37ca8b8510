// A sparse heatmap on an own canvas: zoom, pan, thousands of classes. Cells smaller than a pixel are
// put together: a pixel then shows the largest of its cells.
(() => {
  const {el} = window.Studio;
  const SIDE = 132, TOP = 96, LEAN = 40, NAMED = 11;  // room for names, which lean to the right, and the least cell that has one
  // Blue and orange are told apart by colour-blind people, and stand out from both grounds.
  const BLUE = [46, 111, 207], ORANGE = [214, 108, 22];

  window.Studio.Heatmap = class {
    // `tell(cell)` returns what a hovered cell says; `pick(cell)` opens it.
    constructor(tell, pick) {
      Object.assign(this, {tell, pick, cells: [], rows: [], columns: [], x0: 0, y0: 0, size: 10, fits: true});
      this.canvas = el('canvas');
      this.tip = el('div.ln-tip.ana-tip', {hidden: true});
      this.element = el('div.ana-heat', {tabindex: 0, role: 'img', 'aria-label': 'Confusion; the table beside it holds the same'}, this.canvas, this.tip);
      new ResizeObserver(() => this.resize()).observe(this.element);
      window.addEventListener('gad-theme', () => this.draw());
      const {canvas} = this;
      canvas.addEventListener('wheel', e => { e.preventDefault(); this.zoom(e.deltaY > 0 ? 1 / 1.25 : 1.25, e.offsetX, e.offsetY); }, {passive: false});
      canvas.addEventListener('dblclick', () => this.whole());
      canvas.addEventListener('pointerdown', e => { this.drag = {x: e.clientX, y: e.clientY, moved: false}; canvas.setPointerCapture(e.pointerId); });
      canvas.addEventListener('pointermove', e => this.move(e));
      canvas.addEventListener('pointerup', e => { const {drag} = this; this.drag = null; if (drag && !drag.moved) { const cell = this.at(e.offsetX, e.offsetY); if (cell) this.pick(cell); } });
      canvas.addEventListener('pointerleave', () => { this.tip.hidden = true; });
      this.element.addEventListener('keydown', e => {
        const step = 60, act = {
          '+': () => this.zoom(1.25), '-': () => this.zoom(1 / 1.25), '0': () => this.whole(), ArrowLeft: () => this.pan(-step, 0),
          ArrowRight: () => this.pan(step, 0), ArrowUp: () => this.pan(0, -step), ArrowDown: () => this.pan(0, step),
        }[e.key];
        if (act) { act(); e.preventDefault(); }
      });
    }

    // `names` of rows and columns in the order to show; cells {row, column, value, right} by place;
    // `most` is the value of the fullest colour; a `signed` map has two colours.
    show({rows, columns, cells, most, signed}) {
      // Another number of classes is another map, of which all is shown.
      this.fits ||= rows.length !== this.rows.length || columns.length !== this.columns.length;
      Object.assign(this, {rows, columns, cells, most: most || 1, signed});
      this.index = new Map(cells.map(cell => [cell.row * columns.length + cell.column, cell]));
      this.resize();
    }

    resize() {
      const {clientWidth: w, clientHeight: h} = this.element, dpr = window.devicePixelRatio || 1;
      if (!w || !h) return;
      this.width = w; this.height = h;
      this.canvas.width = w * dpr; this.canvas.height = h * dpr;
      this.canvas.style.width = `${w}px`; this.canvas.style.height = `${h}px`;
      if (this.fits || this.size < this.least) this.whole(); else this.draw();
    }

    get least() { return Math.min((this.width - SIDE - LEAN) / Math.max(1, this.columns.length), (this.height - TOP - 1) / Math.max(1, this.rows.length)); }

    whole() { this.size = Math.min(44, this.least); this.x0 = this.y0 = 0; this.fits = true; this.draw(); }
    pan(dx, dy) { this.x0 += dx; this.y0 += dy; this.draw(); }

    zoom(factor, x = this.width / 2, y = this.height / 2) {
      const size = Math.min(44, Math.max(Math.min(44, this.least), this.size * factor)), by = size / this.size;
      this.x0 = (this.x0 + x - SIDE) * by - (x - SIDE);
      this.y0 = (this.y0 + y - TOP) * by - (y - TOP);
      this.size = size; this.fits = false;
      this.draw();
    }

    move(e) {
      if (this.drag) {
        const dx = e.clientX - this.drag.x, dy = e.clientY - this.drag.y;
        if (!this.drag.moved && Math.abs(dx) + Math.abs(dy) < 4) return;
        this.drag = {x: e.clientX, y: e.clientY, moved: true};
        this.tip.hidden = true;
        return this.pan(-dx, -dy);
      }
      const cell = this.at(e.offsetX, e.offsetY);
      this.canvas.style.cursor = cell ? 'pointer' : 'grab';
      this.tip.hidden = !cell;
      if (!cell) return;
      this.tip.textContent = this.tell(cell);
      this.tip.style.left = `${Math.max(0, Math.min(e.offsetX + 12, this.width - this.tip.offsetWidth - 8))}px`;
      this.tip.style.top = `${e.offsetY + (e.offsetY > this.height - 60 ? -36 : 16)}px`;
    }

    // The cell under a point; where cells are smaller than a few pixels, the largest near it.
    at(x, y) {
      if (x < SIDE || y < TOP) return null;
      const reach = this.size < 3 ? Math.ceil(2 / this.size) : 0;
      const c = Math.floor((x - SIDE + this.x0) / this.size), r = Math.floor((y - TOP + this.y0) / this.size);
      let best = null;
      for (let row = r - reach; row <= r + reach; row++) {
        for (let column = c - reach; column <= c + reach; column++) {
          if (row < 0 || column < 0 || column >= this.columns.length) continue;
          const cell = this.index.get(row * this.columns.length + column);
          if (cell && (!best || Math.abs(cell.value) > Math.abs(best.value))) best = cell;
        }
      }
      return best;
    }

    // From the ground to the full colour; the root makes rare mistakes seen.
    shade(cell) {
      const share = Math.min(1, Math.abs(cell.value) / this.most), strength = 0.12 + 0.88 * Math.sqrt(share);
      const [r, g, b] = (this.signed ? cell.value < 0 : cell.right) ? BLUE : ORANGE;
      return [r, g, b].map((v, k) => Math.round(this.ground[k] + (v - this.ground[k]) * strength));
    }

    // What is seen, as SVG.
    drawing() { return {width: this.width, height: this.height, node: window.Studio.penned(pen => this.draw(pen))}; }

    draw(g = this.canvas.getContext('2d', {alpha: false})) {
      if (!this.width) return;
      const {size, width, height, rows, columns} = this, dpr = window.devicePixelRatio || 1;
      const style = getComputedStyle(document.body), ink = name => style.getPropertyValue(`--${name}`).trim();
      this.ground = Studio.isDark() ? [27, 30, 36] : [255, 255, 255];
      this.x0 = Math.max(0, Math.min(this.x0, columns.length * size - (width - SIDE)));
      this.y0 = Math.max(0, Math.min(this.y0, rows.length * size - (height - TOP)));
      g.setTransform(dpr, 0, 0, dpr, 0, 0);
      g.fillStyle = ink('surface'); g.fillRect(0, 0, width, height);
      const right = Math.min(width, SIDE + columns.length * size - this.x0), bottom = Math.min(height, TOP + rows.length * size - this.y0);
      g.save(); g.beginPath(); g.rect(SIDE, TOP, right - SIDE, bottom - TOP); g.clip();
      if (size >= 8) this.grid(g, ink('raised'), right, bottom);
      this.diagonal(g, ink('line'));
      if (size >= 2) this.boxes(g); else this.dots(g);
      g.restore();
      g.strokeStyle = ink('line'); g.strokeRect(SIDE - .5, TOP - .5, right - SIDE + 1, bottom - TOP + 1);
      g.font = `12px ${style.fontFamily}`; g.textBaseline = 'middle';
      if (size >= NAMED) this.names(g, ink('text'), ink('dim'));
      g.fillStyle = ink('surface'); g.fillRect(0, 0, SIDE, TOP);
      g.fillStyle = ink('dim');
      g.textAlign = 'right'; g.fillText('true ↓', SIDE - 10, TOP - 10);
      g.textAlign = 'left';
      if (size < NAMED) { g.fillText('predicted →', SIDE, TOP - 10); g.fillText(`${rows.length} classes; zoom in for names`, SIDE + 84, TOP - 10); }
    }

    grid(g, ink, right, bottom) {
      g.fillStyle = ink;
      for (let x = SIDE - this.x0 % this.size; x <= right; x += this.size) g.fillRect(x, TOP, 1, bottom - TOP);
      for (let y = TOP - this.y0 % this.size; y <= bottom; y += this.size) g.fillRect(SIDE, y, right - SIDE, 1);
    }

    diagonal(g, ink) {
      g.strokeStyle = ink; g.beginPath();
      g.moveTo(SIDE - this.x0, TOP - this.y0);
      g.lineTo(SIDE - this.x0 + this.rows.length * this.size, TOP - this.y0 + this.rows.length * this.size);
      g.stroke();
    }

    boxes(g) {
      const {size} = this, gap = size >= 8 ? 1 : 0;
      for (const cell of this.cells) {
        const x = SIDE + cell.column * size - this.x0, y = TOP + cell.row * size - this.y0;
        if (x + size < SIDE || y + size < TOP || x > this.width || y > this.height) continue;
        g.fillStyle = `rgb(${this.shade(cell)})`;
        g.fillRect(x + gap, y + gap, size - gap, size - gap);
      }
    }

    // Cells below two pixels: the largest of those that share a square of two pixels is drawn.
    dots(g) {
      const across = Math.ceil((this.width - SIDE) / 2), down = Math.ceil((this.height - TOP) / 2), best = new Int32Array(across * down).fill(-1);
      const {cells, size} = this;
      for (let i = 0; i < cells.length; i++) {
        const x = Math.floor((cells[i].column * size - this.x0) / 2), y = Math.floor((cells[i].row * size - this.y0) / 2);
        if (x < 0 || y < 0 || x >= across || y >= down) continue;
        const there = best[y * across + x];
        if (there < 0 || Math.abs(cells[i].value) > Math.abs(cells[there].value)) best[y * across + x] = i;
      }
      const small = el('canvas', {width: across, height: down}), paint = small.getContext('2d'), image = paint.createImageData(across, down);
      for (let at = 0; at < best.length; at++) if (best[at] >= 0) image.data.set([...this.shade(cells[best[at]]), 255], 4 * at);
      paint.putImageData(image, 0, 0);
      g.imageSmoothingEnabled = false;
      g.drawImage(small, SIDE, TOP, 2 * across, 2 * down);
    }

    names(g, text, dim) {
      const cut = (name, room) => { let short = name; while (short && g.measureText(short).width > room) short = short.slice(0, -1); return short === name ? name : `${short.slice(0, -1)}…`; };
      const each = (names, length, from, act) => {
        const first = Math.max(0, Math.floor(from / this.size)), last = Math.min(names.length - 1, Math.floor((from + length) / this.size));
        for (let i = first; i <= last; i++) act(names[i], (i + .5) * this.size - from);
      };
      g.fillStyle = text; g.textAlign = 'right';
      g.save(); g.beginPath(); g.rect(0, TOP, SIDE, this.height - TOP); g.clip();
      each(this.rows, this.height - TOP, this.y0, (name, at) => g.fillText(cut(name, SIDE - 16), SIDE - 8, TOP + at));
      g.restore(); g.save(); g.beginPath(); g.rect(SIDE, 0, this.width - SIDE, TOP); g.clip();
      g.fillStyle = dim; g.textAlign = 'left';
      each(this.columns, this.width - SIDE, this.x0, (name, at) => {
        g.save(); g.translate(SIDE + at, TOP - 8); g.rotate(-Math.PI / 3.2); g.fillText(cut(name, 104), 0, 0); g.restore();
      });
      g.restore();
    }
  };
})();
