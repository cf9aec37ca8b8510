// A figure as a file, SVG or PNG at twice its size: on the ground of the page, with its title, what
// it is of and its legend. A PNG is a picture of the SVG, so both say the same.
(() => {
  const {el, say, svg, plainColour, SvgPen} = window.Studio;
  const PAD = 16, LEAST = 360, LINE = 18, SCALE = 2;
  const NOT_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;
  const SEEN = ['fill', 'stroke', 'stroke-width', 'stroke-linecap', 'opacity', 'font-size', 'font-weight'];

  const inkOf = name => plainColour(getComputedStyle(document.body).getPropertyValue(`--${name}`).trim())[0];
  const slug = text => text.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');

  // The lines that a text takes in a width.
  function lines(pen, text, width) {
    const out = [''];
    for (const word of text.split(' ')) {
      const longer = out.at(-1) ? `${out.at(-1)} ${word}` : word;
      if (out.at(-1) && pen.measureText(longer).width > width) out.push(word); else out[out.length - 1] = longer;
    }
    return out;
  }

  // Round the drawing {title, about, width, height, node, legend: [[colour, name], …]}.
  function framed({title, about, width, height, node, legend = []}) {
    const family = getComputedStyle(document.body).fontFamily, wide = Math.max(width, LEAST), pen = new SvgPen();
    let y = PAD;
    for (const [text, font, ink] of [[title, `650 15px ${family}`, 'text'], [about, `12px ${family}`, 'dim']]) {
      pen.font = font; pen.fillStyle = inkOf(ink);
      for (const line of lines(pen, text, wide)) { pen.fillText(line, PAD, y + 12); y += LINE; }
    }
    const top = y + 6;
    y = top + height + 8;
    let x = PAD;
    pen.fillStyle = inkOf('text');
    for (const [colour, name] of legend) {
      const room = pen.measureText(name).width + 34;
      if (x > PAD && x + room > PAD + wide) { x = PAD; y += LINE; }
      pen.save();
      pen.fillStyle = colour; pen.fillRect(x, y + 2, 12, 12);
      pen.restore();
      pen.fillText(name, x + 18, y + 12);
      x += room;
    }
    const full = {width: wide + 2 * PAD, height: Math.ceil(y + (legend.length ? LINE : 0) + PAD / 2)};
    return svg('svg', {...full, viewBox: `0 0 ${full.width} ${full.height}`, 'font-family': family, role: 'img'},
      svg('title', {}, `${title}: ${about}`), svg('rect', {...full, fill: inkOf('surface')}), pen.root,
      svg('g', {transform: `translate(${PAD} ${top})`}, node));
  }

  const written = root => new Blob([new XMLSerializer().serializeToString(root).replace(NOT_XML, '')], {type: 'image/svg+xml'});

  async function pictured(root) {
    const [width, height] = ['width', 'height'].map(name => SCALE * root.getAttribute(name)), url = URL.createObjectURL(written(root));
    try {
      const image = new Image();
      image.src = url;
      await image.decode();
      const canvas = el('canvas', {width, height});
      canvas.getContext('2d').drawImage(image, 0, 0, width, height);
      return await new Promise(resolve => canvas.toBlob(resolve, 'image/png'));
    } finally { URL.revokeObjectURL(url); }
  }

  async function save(make, form) {
    const figure = await make();
    if (!figure) return say('There is nothing drawn yet.');
    const root = framed(figure), blob = form === 'svg' ? written(root) : await pictured(root);
    if (!blob) return say('The browser cannot make a picture of this size; take the SVG.', 'bad');
    const href = URL.createObjectURL(blob);
    el('a', {href, download: `${slug(`${figure.title} ${figure.about}`).slice(0, 80) || 'figure'}.${form}`}).click();
    setTimeout(() => URL.revokeObjectURL(href), 1000);
  }

  // Two buttons that save the figure which `make` returns, or a promise of it; null: nothing is drawn.
  window.Studio.figureFiles = make => el('span.fig-files', {}, ['png', 'svg'].map(form => el('button.st-quiet', {
    'aria-label': `Save the figure as ${form.toUpperCase()}`, title: `Save the figure as ${form.toUpperCase()}`, onclick: () => save(make, form),
  }, form.toUpperCase())));

  // What `draw(pen)` draws.
  window.Studio.penned = draw => { const pen = new SvgPen(); draw(pen); return pen.root; };

  // A drawing of the page as it looks, without the page's style sheet.
  window.Studio.standing = drawing => {
    const copy = drawing.cloneNode(true), there = [drawing, ...drawing.querySelectorAll('*')];
    [copy, ...copy.querySelectorAll('*')].forEach((node, i) => {
      const style = getComputedStyle(there[i]);
      for (const name of SEEN) {
        const value = style.getPropertyValue(name);
        node.setAttribute(name, ['fill', 'stroke'].includes(name) && value !== 'none' ? plainColour(value)[0] : value);
      }
      for (const name of ['class', 'role']) node.removeAttribute(name);
    });
    return copy;
  };
})();
