// Lanes: one canvas, time from left to right, a row for the truth and for every run. Confidence is
// height; what is wrong is hatched. Every predicted frame is drawn as stored, none interpolated.
(() => {
  const {el, colour, clock} = window.Studio;
  const ROW = 34, TALL = 56, GAP = 6, RULER = 22, SIDE = 76;

  window.Studio.Lanes = class {
    constructor({onSeek}) {
      this.canvas = el('canvas');
      this.head = el('div.ln-head');
      this.tip = el('div.ln-tip', {hidden: true});
      this.element = el('div.ln', {tabindex: 0, role: 'img', 'aria-label': 'Lanes of ground truth and runs over time'},
        this.canvas, this.head, this.tip);
      this.onSeek = onSeek;
      this.rows = []; this.row = ROW; this.length = 1; this.from = 0; this.to = 1; this.dirty = true; this.now = 0;
      new ResizeObserver(() => this.resize()).observe(this.element);
      window.addEventListener('gad-theme', () => { this.dirty = true; });
      this.pointer();
      const tick = () => {
        if (this.element.isConnected) { this.was = true; this.paint(); } else if (this.was) return;
        requestAnimationFrame(tick);
      };
      requestAnimationFrame(tick);
    }

    // rows: [{name, mark, kind: 'truth'|'run'|'agree', cells: [{a, b, label, p, wrong}]}], cells by time
    // Without a player above there is room for tall rows.
    show(rows, length, tall = false) {
      this.row = tall ? TALL : ROW;
      this.rows = rows; this.length = Math.max(1, length); this.from = 0; this.to = this.length;
      this.element.style.height = `${RULER + rows.reduce((h, r) => h + this.height(r) + GAP, 0)}px`;
      this.resize();
    }

    height(row) { return row.kind === 'agree' ? 10 : this.row; }
    x(us) { return SIDE + (us - this.from) / (this.to - this.from) * (this.width - SIDE); }
    at(x) { return this.from + (x - SIDE) / (this.width - SIDE) * (this.to - this.from); }

    resize() {
      const {clientWidth: w, clientHeight: h} = this.element;
      if (!w || !h) return;
      const dpr = window.devicePixelRatio || 1;
      this.width = w;
      this.canvas.width = w * dpr; this.canvas.height = h * dpr;
      this.canvas.style.width = `${w}px`; this.canvas.style.height = `${h}px`;
      this.dirty = true;
    }

    zoom(factor, around) {
      const span = Math.min(this.length, Math.max(500_000, (this.to - this.from) * factor));
      const share = (around - this.from) / (this.to - this.from);
      this.move(around - share * span, span);
    }

    move(from, span = this.to - this.from) {
      this.from = Math.min(Math.max(0, from), this.length - span);
      this.to = this.from + span;
      this.dirty = true;
    }

    pointer() {
      const at = event => Math.min(Math.max(0, this.at(event.offsetX)), this.length);
      let dragging = false;
      this.canvas.addEventListener('pointerdown', e => {
        if (e.offsetX < SIDE) return;
        dragging = true; this.canvas.setPointerCapture(e.pointerId); this.onSeek(at(e));
      });
      this.canvas.addEventListener('pointermove', e => { if (dragging) this.onSeek(at(e)); this.hover(e); });
      this.canvas.addEventListener('pointerup', () => { dragging = false; });
      this.canvas.addEventListener('pointerleave', () => { this.tip.hidden = true; });
      this.canvas.addEventListener('wheel', e => {
        e.preventDefault();
        if (e.shiftKey) this.move(this.from + (e.deltaY || e.deltaX) / this.width * (this.to - this.from));
        else this.zoom(e.deltaY > 0 ? 1.2 : 1 / 1.2, at(e));
      }, {passive: false});
    }

    hover(event) {
      const us = this.at(event.offsetX), row = this.rowAt(event.offsetY);
      const cell = row && event.offsetX >= SIDE ? find(row.cells, us) : null;
      this.tip.hidden = !cell;
      if (!cell) return;
      const certain = row.kind === 'run' ? ` · ${cell.p.toFixed(2)}${cell.wrong ? ' · wrong' : ''}` : '';
      this.tip.textContent = row.kind === 'agree' ? `${clock(us)} · ${cell.wrong ? 'the runs differ' : 'the runs agree'}`
        : `${clock(us)} · ${row.mark || row.name}: ${cell.label}${certain}`;
      this.tip.style.left = `${Math.min(event.offsetX + 12, this.width - 240)}px`;
      this.tip.style.top = `${event.offsetY + 14}px`;
    }

    rowAt(y) {
      let top = RULER;
      for (const row of this.rows) { if (y >= top && y < top + this.height(row)) return row; top += this.height(row) + GAP; }
      return null;
    }

    follow(us) {
      this.now = us;
      if (us > this.to || us < this.from) this.move(us - (this.to - this.from) * 0.1);
    }

    paint() {
      if (!this.width) return;
      if (this.dirty) { this.dirty = false; this.draw(); }
      this.head.style.transform = `translateX(${this.x(this.now)}px)`;
      this.head.hidden = this.now < this.from || this.now > this.to;
    }

    draw() {
      const g = this.canvas.getContext('2d', {alpha: false}), dpr = window.devicePixelRatio || 1;
      const style = getComputedStyle(document.body), v = name => style.getPropertyValue(name).trim();
      const ink = {text: v('--text'), dim: v('--dim'), line: v('--line'), surface: v('--surface'), raised: v('--raised'), bad: v('--bad'), good: v('--good')};
      g.setTransform(dpr, 0, 0, dpr, 0, 0);
      g.fillStyle = ink.surface; g.fillRect(0, 0, this.width, this.canvas.height);
      g.textBaseline = 'middle';
      this.ruler(g, ink);
      let top = RULER;
      for (const row of this.rows) {
        const h = this.height(row);
        g.fillStyle = ink.raised; g.fillRect(SIDE, top, this.width - SIDE, h);
        g.save(); g.beginPath(); g.rect(SIDE, top, this.width - SIDE, h); g.clip();
        if (row.kind === 'agree') this.agree(g, row, top, h, ink); else this.cells(g, row, top, h, ink);
        g.restore();
        g.fillStyle = row.kind === 'agree' ? ink.dim : ink.text;
        g.font = `${row.mark ? 650 : 400} 13px ${style.fontFamily}`;
        g.fillText(row.mark || row.name, 0, top + h / 2 + 1, SIDE - 8);
        top += h + GAP;
      }
    }

    ruler(g, ink) {
      const span = this.to - this.from, steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600].map(s => s * 1e6);
      const step = steps.find(s => s / span * (this.width - SIDE) > 70) || steps[steps.length - 1];
      g.fillStyle = ink.dim; g.font = `12px ${getComputedStyle(document.body).fontFamily}`;
      for (let t = Math.ceil(this.from / step) * step; t <= this.to; t += step) {
        const x = this.x(t), s = t / 1e6;
        g.fillStyle = ink.line; g.fillRect(x, RULER - 6, 1, 6);
        g.fillStyle = ink.dim;
        g.fillText(`${Math.floor(s / 60)}:${String((s % 60).toFixed(step < 1e6 ? 1 : 0)).padStart(step < 1e6 ? 4 : 2, '0')}`, x + 3, 8);
      }
    }

    agree(g, row, top, h, ink) {
      for (const cell of visible(row.cells, this.from, this.to)) {
        g.fillStyle = cell.wrong ? ink.bad : ink.good;
        g.globalAlpha = cell.wrong ? .85 : .3;
        g.fillRect(this.x(cell.a), top, Math.max(1, this.x(cell.b) - this.x(cell.a)), h);
      }
      g.globalAlpha = 1;
    }

    cells(g, row, top, h, ink) {
      const run = row.kind === 'run';
      for (const cell of visible(row.cells, this.from, this.to)) {
        if (row.kind === 'truth' && cell.label === 'background') continue;
        const x = this.x(cell.a), w = Math.max(1, this.x(cell.b) - x);
        const tall = run ? Math.max(2, h * cell.p) : h;
        g.fillStyle = colour(cell.label);
        g.globalAlpha = run ? .82 : 1;
        g.fillRect(x, top + h - tall, w + .5, tall);
        g.globalAlpha = 1;
        if (run && cell.wrong) this.hatch(g, x, top + h - tall, w, tall, ink);
      }
      this.names(g, row, top, h, ink);
    }

    hatch(g, x, y, w, h, ink) {
      g.save(); g.beginPath(); g.rect(x, y, w + .5, h); g.clip();
      g.strokeStyle = ink.surface; g.lineWidth = 1.6; g.beginPath();
      const start = Math.floor((x - h) / 6) * 6;  // one grid for neighbours, so that hatching is even
      for (let s = start; s < x + w; s += 6) { g.moveTo(s, y + h); g.lineTo(s + h, y); }
      g.stroke(); g.restore();
    }

    // A name over each stretch of one class, where there is room for it.
    names(g, row, top, h, ink) {
      g.font = `13px ${getComputedStyle(document.body).fontFamily}`;
      for (const part of row.stretches ||= stretches(row.cells)) {
        if (part.b < this.from || part.a > this.to || part.label === 'background') continue;
        const a = Math.max(this.x(part.a), SIDE), w = this.x(part.b) - a - 8;
        if (w < 30) continue;
        let text = part.label;
        while (text.length > 2 && g.measureText(text).width > w) text = `${text.replace(/…$/, '').slice(0, -1)}…`;
        if (g.measureText(text).width > w) continue;
        g.fillStyle = window.Studio.isDark() ? 'rgba(15,17,21,.92)' : 'rgba(20,22,28,.92)';
        if (row.kind === 'run') {
          const width = g.measureText(text).width;
          g.fillStyle = ink.surface; g.globalAlpha = .72;
          g.fillRect(a + 2, top + h - 19, width + 6, 17); g.globalAlpha = 1;
          g.fillStyle = ink.text;
        }
        g.fillText(text, a + 5, row.kind === 'run' ? top + h - 10 : top + h / 2 + 1);
      }
    }
  };

  function firstEndingAfter(cells, us) {
    let low = 0, high = cells.length;
    while (low < high) { const middle = (low + high) >> 1; if (cells[middle].b <= us) low = middle + 1; else high = middle; }
    return low;
  }
  function visible(cells, from, to) {
    const out = [];
    for (let i = firstEndingAfter(cells, from); i < cells.length && cells[i].a < to; i++) out.push(cells[i]);
    return out;
  }
  function find(cells, us) { const cell = cells[firstEndingAfter(cells, us)]; return cell && cell.a <= us ? cell : null; }
  function stretches(cells) {
    const out = [];
    for (const cell of cells) {
      const last = out[out.length - 1];
      if (last && last.label === cell.label && last.b === cell.a) last.b = cell.b; else out.push({...cell});
    }
    return out;
  }
  window.Studio.findCell = find;
})();
