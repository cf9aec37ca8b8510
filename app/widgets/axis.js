// A canvas on which time runs from left to right: zoom, pan, ruler, playhead. Lanes draw on it.
(() => {
  const {el} = window.Studio;
  const STEPS = [0.04, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600].map(s => s * 1e6);

  window.Studio.TimeAxis = class {
    // `side` pixels on the left are for the names of lanes; `least` is the shortest span to zoom to.
    constructor(name, {side, least = 500_000}) {
      this.side = side; this.least = least;
      this.canvas = el('canvas');
      this.head = el('div.ln-head');
      this.tip = el('div.ln-tip', {hidden: true});
      this.element = el('div.ln', {tabindex: 0, role: 'img', 'aria-label': name}, this.canvas, this.head, this.tip);
      this.length = 1; this.from = 0; this.to = 1; this.now = 0; this.dirty = true;
      new ResizeObserver(() => this.resize()).observe(this.element);
      window.addEventListener('gad-theme', () => { this.dirty = true; });
      this.canvas.addEventListener('wheel', e => {
        e.preventDefault();
        if (e.shiftKey) this.move(this.from + (e.deltaY || e.deltaX) / this.width * (this.to - this.from));
        else this.zoom(e.deltaY > 0 ? 1.2 : 1 / 1.2, this.inside(e.offsetX));
      }, {passive: false});
      const tick = () => {
        if (this.element.isConnected) { this.was = true; this.paint(); } else if (this.was) return;
        requestAnimationFrame(tick);
      };
      requestAnimationFrame(tick);
    }

    x(us) { return this.side + (us - this.from) / (this.to - this.from) * (this.width - this.side); }
    at(x) { return this.from + (x - this.side) / (this.width - this.side) * (this.to - this.from); }
    inside(x) { return Math.min(Math.max(0, this.at(x)), this.length); }

    resize() {
      const {clientWidth: w, clientHeight: h} = this.element;
      if (!w || !h) return;
      const dpr = window.devicePixelRatio || 1;
      this.width = w;
      this.canvas.width = w * dpr; this.canvas.height = h * dpr;
      this.canvas.style.width = `${w}px`; this.canvas.style.height = `${h}px`;
      this.dirty = true;
    }

    whole(length = this.length) { this.length = Math.max(1, length); this.from = 0; this.to = this.length; this.dirty = true; }

    zoom(factor, around) {
      const span = Math.min(this.length, Math.max(this.least, (this.to - this.from) * factor));
      const share = (around - this.from) / (this.to - this.from);
      this.move(around - share * span, span);
    }

    move(from, span = this.to - this.from) {
      this.from = Math.min(Math.max(0, from), this.length - span);
      this.to = this.from + span;
      this.dirty = true;
    }

    // The view goes with a playhead that moves; one that stands leaves it where a person put it.
    follow(us) {
      const moves = us !== this.now;
      this.now = us;
      if (moves && (us > this.to || us < this.from)) this.move(us - (this.to - this.from) * 0.1);
    }

    paint() {
      if (!this.width) return;
      if (this.dirty) { this.dirty = false; this.draw(this.begin()); }
      this.head.style.transform = `translateX(${this.x(this.now)}px)`;
      this.head.hidden = this.now < this.from || this.now > this.to;
    }

    // A canvas knows no CSS variables: they are read before each drawing.
    begin() {
      const g = this.canvas.getContext('2d', {alpha: false}), dpr = window.devicePixelRatio || 1;
      const style = getComputedStyle(document.body), v = name => style.getPropertyValue(name).trim();
      this.font = style.fontFamily;
      this.ink = Object.fromEntries(['text', 'dim', 'line', 'surface', 'raised', 'bad', 'good', 'warn', 'accent'].map(name => [name, v(`--${name}`)]));
      g.setTransform(dpr, 0, 0, dpr, 0, 0);
      g.fillStyle = this.ink.surface; g.fillRect(0, 0, this.width, this.canvas.height);
      g.textBaseline = 'middle';
      return g;
    }

    ruler(g, top, height) {
      const span = this.to - this.from;
      const step = STEPS.find(s => s / span * (this.width - this.side) > 70) || STEPS[STEPS.length - 1];
      g.font = `12px ${this.font}`;
      for (let t = Math.ceil(this.from / step) * step; t <= this.to; t += step) {
        const x = this.x(t), s = t / 1e6, digits = step < 1e5 ? 2 : step < 1e6 ? 1 : 0;
        g.fillStyle = this.ink.line; g.fillRect(x, top + height - 6, 1, 6);
        g.fillStyle = this.ink.dim;
        g.fillText(`${Math.floor(s / 60)}:${(s % 60).toFixed(digits).padStart(digits ? 3 + digits : 2, '0')}`, x + 3, top + 8);
      }
    }

    // A text that fits into a width, shortened if need be; empty if nothing of it would be read.
    fitted(g, text, width) {
      if (g.measureText(text).width <= width) return text;
      let low = 0, high = text.length;
      while (high - low > 1) { const m = (low + high) >> 1; if (g.measureText(`${text.slice(0, m)}…`).width <= width) low = m; else high = m; }
      return low > 1 ? `${text.slice(0, low)}…` : '';
    }

    hatch(g, x, y, w, h, ink) {
      g.save(); g.beginPath(); g.rect(x, y, w + .5, h); g.clip();
      g.strokeStyle = ink; g.lineWidth = 1.6; g.beginPath();
      const start = Math.floor((x - h) / 6) * 6;  // one grid for neighbours, so that hatching is even
      for (let s = start; s < x + w; s += 6) { g.moveTo(s, y + h); g.lineTo(s + h, y); }
      g.stroke(); g.restore();
    }

    showTip(event, text) {
      this.tip.hidden = !text;
      if (!text) return;
      this.tip.textContent = text;
      this.tip.style.left = `${Math.max(0, Math.min(event.offsetX + 12, this.width - this.tip.offsetWidth - 8))}px`;
      this.tip.style.top = `${event.offsetY + 14}px`;
    }
  };
})();
