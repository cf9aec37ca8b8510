// Lanes: one canvas, time from left to right, a row for the truth and for every run. Confidence is
// height; what is wrong is hatched. Every predicted frame is drawn as stored, none interpolated.
(() => {
  const {colour, clock, TimeAxis} = window.Studio;
  const ROW = 34, TALL = 56, LEAST = 14, THIN = 10, RULER = 22, SIDE = 76;

  window.Studio.Lanes = class extends TimeAxis {
    constructor({onSeek}) {
      super('Lanes of ground truth and runs over time', {side: SIDE});
      this.onSeek = onSeek;
      this.rows = []; this.row = ROW; this.gap = 6;
      this.pointer();
    }

    // rows: [{name, mark, kind: 'truth'|'run'|'agree', cells: [{a, b, label, p, wrong}]}], cells by time
    // Without a player above there is room for tall rows.
    show(rows, length, room, tall = false) {
      this.rows = rows; this.tall = tall;
      this.whole(length);
      this.fit(room);
    }

    // Rows shrink until they fit into a height, and stay tall enough to be read.
    fit(room) {
      const high = this.rows.filter(r => r.kind !== 'agree').length, thin = this.rows.length - high;
      this.gap = high > 6 ? 2 : 6;
      const each = Math.floor((room - RULER - thin * THIN - this.gap * this.rows.length) / Math.max(1, high));
      this.row = Math.max(LEAST, Math.min(each, this.tall ? TALL : ROW));
      this.element.style.height = `${RULER + this.rows.reduce((h, r) => h + this.height(r) + this.gap, 0)}px`;
      this.resize();
    }

    height(row) { return row.kind === 'agree' ? THIN : this.row; }

    pointer() {
      const at = event => this.inside(event.offsetX);
      let dragging = false;
      this.canvas.addEventListener('pointerdown', e => {
        if (e.offsetX < SIDE) return;
        dragging = true; this.canvas.setPointerCapture(e.pointerId); this.onSeek(at(e));
      });
      this.canvas.addEventListener('pointermove', e => { if (dragging) this.onSeek(at(e)); this.hover(e); });
      this.canvas.addEventListener('pointerup', () => { dragging = false; });
      this.canvas.addEventListener('pointerleave', () => { this.tip.hidden = true; });
    }

    hover(event) {
      const us = this.at(event.offsetX), row = this.rowAt(event.offsetY);
      const cell = row && event.offsetX >= SIDE ? find(row.cells, us) : null;
      if (!cell) { this.showTip(event, ''); return; }
      const certain = row.kind === 'run' ? ` · ${cell.p.toFixed(2)}${cell.wrong ? ' · wrong' : ''}` : '';
      this.showTip(event, row.kind === 'agree' ? `${clock(us)} · ${cell.wrong ? 'the runs differ' : 'the runs agree'}`
        : `${clock(us)} · ${row.mark || row.name}: ${cell.label}${certain}`);
    }

    rowAt(y) {
      let top = RULER;
      for (const row of this.rows) { if (y >= top && y < top + this.height(row)) return row; top += this.height(row) + this.gap; }
      return null;
    }

    // What is seen, as SVG.
    drawing() { return {width: this.width, height: this.element.clientHeight, node: window.Studio.penned(pen => this.draw(pen))}; }

    draw(g) {
      const {ink} = this;
      this.ruler(g, 0, RULER);
      let top = RULER;
      for (const row of this.rows) {
        const h = this.height(row);
        g.fillStyle = ink.raised; g.fillRect(SIDE, top, this.width - SIDE, h);
        g.save(); g.beginPath(); g.rect(SIDE, top, this.width - SIDE, h); g.clip();
        if (row.kind === 'agree') this.agree(g, row, top, h, ink); else this.cells(g, row, top, h, ink);
        g.restore();
        g.fillStyle = row.kind === 'agree' ? ink.dim : ink.text;
        g.font = `${row.mark ? 650 : 400} 13px ${this.font}`;
        g.fillText(this.fitted(g, row.mark || row.name, SIDE - 8), 0, top + h / 2 + 1);
        top += h + this.gap;
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
        if (run && cell.wrong) this.hatch(g, x, top + h - tall, w, tall, ink.surface);
      }
      this.names(g, row, top, h, ink);
    }

    // A name over each stretch of one class, where there is room for it.
    names(g, row, top, h, ink) {
      g.font = `${h < 18 ? 12 : 13}px ${this.font}`;
      const line = Math.min(18, h);
      for (const part of row.stretches ||= stretches(row.cells)) {
        if (part.b < this.from || part.a > this.to || part.label === 'background') continue;
        const a = Math.max(this.x(part.a), SIDE), w = this.x(part.b) - a - 8;
        if (w < 30) continue;
        const text = this.fitted(g, part.label, w);
        if (!text) continue;
        g.fillStyle = window.Studio.isDark() ? 'rgba(15,17,21,.92)' : 'rgba(20,22,28,.92)';
        if (row.kind === 'run') {
          const width = g.measureText(text).width;
          g.fillStyle = ink.surface; g.globalAlpha = .72;
          g.fillRect(a + 2, top + h - line, width + 6, line - 1); g.globalAlpha = 1;
          g.fillStyle = ink.text;
        }
        g.fillText(text, a + 5, row.kind === 'run' ? top + h - line / 2 : top + h / 2 + 1);
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
