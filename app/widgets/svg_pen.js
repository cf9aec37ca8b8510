// A pen with the part of a canvas's drawing context that figures use, which draws SVG: what draws a
// figure on the screen draws its file too.
(() => {
  const NS = 'http://www.w3.org/2000/svg', ANCHOR = {left: 'start', right: 'end', center: 'middle'};
  const KEPT = ['fillStyle', 'strokeStyle', 'lineWidth', 'globalAlpha', 'font', 'textAlign', 'textBaseline', 'into'];
  let clips = 0;

  // An element of SVG; text children become text nodes.
  const svg = (tag, attributes = {}, ...children) => {
    const node = document.createElementNS(NS, tag);
    for (const [name, value] of Object.entries(attributes)) if (value !== null && value !== undefined) node.setAttribute(name, value);
    node.append(...children.filter(child => child !== null && child !== undefined));
    return node;
  };

  // Any CSS colour as every program reads it: '#rrggbb' and an opacity, that of 'none' being 0.
  const brush = Object.assign(document.createElement('canvas'), {width: 1, height: 1}).getContext('2d', {willReadFrequently: true});
  const known = new Map();
  const plainColour = colour => {
    if (!known.has(colour)) {
      brush.clearRect(0, 0, 1, 1); brush.fillStyle = 'transparent'; brush.fillStyle = colour; brush.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = brush.getImageData(0, 0, 1, 1).data;
      known.set(colour, [`#${[r, g, b].map(v => v.toString(16).padStart(2, '0')).join('')}`, a / 255]);
    }
    return known.get(colour);
  };

  const short = value => +value.toFixed(2);

  class SvgPen {
    constructor() {
      this.into = this.root = svg('g');
      Object.assign(this, {fillStyle: '#000', strokeStyle: '#000', lineWidth: 1, globalAlpha: 1, font: '12px sans-serif', textAlign: 'left', textBaseline: 'alphabetic', path: '', kept: []});
    }

    // They fit a canvas to the pixels of a screen; a file has none.
    setTransform() {}
    scale() {}
    clearRect() {}

    save() { this.kept.push(KEPT.map(name => this[name])); }
    restore() { this.kept.pop()?.forEach((value, i) => { this[KEPT[i]] = value; }); }
    group(attributes) { const node = svg('g', attributes); this.into.append(node); this.into = node; }
    translate(x, y) { this.group({transform: `translate(${short(x)} ${short(y)})`}); }
    rotate(angle) { this.group({transform: `rotate(${short(angle * 180 / Math.PI)})`}); }
    clip() {
      const id = `clip-${++clips}`;
      this.into.append(svg('clipPath', {id}, svg('path', {d: this.path})));
      this.group({'clip-path': `url(#${id})`});
    }

    beginPath() { this.path = ''; }
    moveTo(x, y) { this.path += `M${short(x)} ${short(y)}`; }
    lineTo(x, y) { this.path += `${this.path ? 'L' : 'M'}${short(x)} ${short(y)}`; }
    closePath() { this.path += 'Z'; }
    rect(x, y, w, h) { this.path += `M${short(x)} ${short(y)}h${short(w)}v${short(h)}h${short(-w)}Z`; }
    // Figures draw whole circles alone.
    arc(x, y, r) { this.path += `M${short(x + r)} ${short(y)}a${r} ${r} 0 1 0 ${-2 * r} 0a${r} ${r} 0 1 0 ${2 * r} 0`; }

    ink(kind, style) {
      const [colour, alpha] = plainColour(style), opacity = short(alpha * this.globalAlpha);
      return {[kind]: colour, [`${kind}-opacity`]: opacity < 1 ? opacity : null};
    }
    put(tag, attributes, ...children) { this.into.append(svg(tag, attributes, ...children)); }
    fill() { if (this.path) this.put('path', {d: this.path, ...this.ink('fill', this.fillStyle)}); }
    outline(attributes) { return {fill: 'none', 'stroke-width': this.lineWidth, ...this.ink('stroke', this.strokeStyle), ...attributes}; }
    stroke() { if (this.path) this.put('path', this.outline({d: this.path})); }
    box(x, y, w, h) { return {x: short(x), y: short(y), width: short(w), height: short(h)}; }
    fillRect(x, y, w, h) { if (w > 0 && h > 0) this.put('rect', {...this.box(x, y, w, h), ...this.ink('fill', this.fillStyle)}); }
    strokeRect(x, y, w, h) { this.put('rect', this.outline(this.box(x, y, w, h))); }
    drawImage(canvas, x, y, w, h) { this.put('image', {...this.box(x, y, w, h), href: canvas.toDataURL(), style: 'image-rendering: pixelated'}); }

    measureText(text) { brush.font = this.font; return brush.measureText(text); }
    fillText(text, x, y) {
      const [, weight, size] = /(?:(\d+) )?([\d.]+)px/.exec(this.font);
      // Not every program knows another baseline than that of the letters.
      const down = this.textBaseline === 'middle' ? 0.35 * size : 0;
      this.put('text', {x: short(x), y: short(y + down), 'font-size': size, 'font-weight': weight, 'text-anchor': ANCHOR[this.textAlign], ...this.ink('fill', this.fillStyle)}, text);
    }
  }

  Object.assign(window.Studio, {svg, plainColour, SvgPen});
})();
