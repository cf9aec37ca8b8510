// The label trie of a moment as branches: thickness is probability, shared sub-words stand once.
(() => {
  const {colour, svg} = window.Studio;
  const PAD = 10, LINK = 46, WIDEST = 120, BADGE = 62;

  const chance = p => p > .995 && p < 1 ? '>.99' : p < .005 ? '<.01' : p.toFixed(2).replace(/^0/, '');
  window.Studio.chance = chance;

  const context = document.createElement('canvas').getContext('2d');
  const measure = (text, bold) => { context.font = `${bold ? 650 : 400} 13px ${getComputedStyle(document.body).fontFamily}`; return context.measureText(text).width; };

  // What a branch says; one that goes on within a word begins with a hyphen.
  function named(text, first) {
    const word = text.trimStart();
    return first || word !== text ? word : `‑${word}`;
  }

  // A tree of what is drawn: the label that ends where others go on has a leaf of its own.
  function node(branch, first, likeliest) {
    const children = branch.children.map(child => node(child, false, likeliest));
    if (branch.label && children.length) children.push({name: 'ends here', p: branch.ends, label: branch.label, leaf: true, quiet: true, node: -1, children: []});
    children.sort((a, b) => b.p - a.p);
    const label = branch.label && !branch.children.length ? branch.label : null;
    return {name: named(branch.text, first), p: branch.p, label, leaf: !children.length, count: branch.labels, leaves: branch.leaves, node: branch.node, children,
      hue: label || children[0]?.hue || children[0]?.label};
  }

  function flat(nodes, depth, rows, out) {
    for (const each of nodes) {
      each.depth = depth;
      if (each.children.length) {
        flat(each.children, depth + 1, rows, out);
        each.row = (each.children[0].row + each.children[each.children.length - 1].row) / 2;
      } else each.row = rows.count++;
      out.push(each);
    }
    return out;
  }

  // Draw what the route gives into a width and a height; more rows than fit make it taller.
  window.Studio.branches = (found, width, height) => {
    const top = found.branches.map(branch => node(branch, true)).sort((a, b) => b.p - a.p);
    if (found.rest.labels && found.rest.p >= 5e-4) top.push(summed(`${found.rest.labels} other label${found.rest.labels > 1 ? 's' : ''}`, found.rest.p));
    top.push(summed('no label', found.not_a_label));
    const rows = {count: 0}, all = flat(top, 0, rows, []);
    const line = Math.max(16, Math.min(26, (height - 4) / rows.count)), tall = Math.max(height - 4, line * rows.count);
    const shift = Math.max(0, (height - 4 - line * rows.count) / 2), y = each => shift + line * (each.row + .5);
    const depth = Math.max(...all.map(each => each.depth)), widths = Array.from({length: depth + 1}, () => 0);
    const written = new Set(found.written.nodes);
    for (const each of all) {
      each.text = `${each.name}`; each.wide = measure(each.text, written.has(each.node)) + measure(chance(each.p)) + 12;
      widths[each.depth] = Math.max(widths[each.depth], each.wide);
    }
    const marks = all.some(each => each.label && (each.label === found.truth || each.label === found.written.text)) ? 2 * BADGE : 0;
    // Links take what the names leave.
    const names = PAD + 26 + widths.reduce((sum, w) => sum + w, 0) + marks;
    const link = depth ? Math.max(LINK, Math.min(WIDEST, (width - names) / depth)) : LINK;
    const starts = [PAD + 26];
    for (let d = 0; d < depth; d++) starts.push(starts[d] + widths[d] + link);
    const wide = Math.max(width, names + depth * link);
    const drawing = svg('svg', {class: 'br', width: wide, height: tall, viewBox: `0 0 ${wide} ${tall}`, role: 'img', 'aria-label': spoken(found)});
    const links = svg('g'), texts = svg('g');
    const root = {x: PAD, y: all.length ? (y(top[0]) + y(top[top.length - 1])) / 2 : tall / 2};
    const place = (each, from) => {
      const at = {x: starts[each.depth], y: y(each)}, mine = written.has(each.node);
      const bend = (from.x + at.x - 6) / 2, thick = Math.max(1, Math.min(line - 6, 14) * each.p);
      links.append(svg('path', {d: `M${from.x} ${from.y}C${bend} ${from.y} ${bend} ${at.y} ${at.x - 6} ${at.y}`, class: `br-link${each.quiet ? ' quiet' : ''}`,
        'stroke-width': thick.toFixed(2), stroke: each.quiet ? null : colour(each.hue || each.label)}));
      const text = svg('text', {x: at.x, y: at.y + 4.5, class: `br-name${mine ? ' mine' : ''}${each.quiet ? ' quiet' : ''}`, 'data-p': each.p, 'data-label': each.label}, each.text);
      text.append(svg('tspan', {dx: 6, class: 'br-p'}, chance(each.p)));
      text.append(svg('title', {}, each.quiet ? `${each.name}: ${each.p.toFixed(4)}`
        : `${each.p.toFixed(4)} of ${each.count} label${each.count > 1 ? 's' : ''}${each.leaves > 5e-5 ? `; ${each.leaves.toFixed(4)} leaves the labels here` : ''}`));
      texts.append(text);
      let x = at.x + each.wide + 4;
      const tag = (what, kind) => { texts.append(svg('text', {x, y: at.y + 4.5, class: `br-tag ${kind}`}, what)); x += measure(what) + 10; };
      if (each.label && each.label === found.truth) tag('✓ truth', 'good');
      if (each.label && each.label === found.written.text) tag('written', 'mine');
      const end = {x: at.x + each.wide - 2, y: at.y};
      for (const child of each.children) place(child, end);
    };
    for (const each of top) place(each, root);
    drawing.append(links, svg('circle', {cx: root.x, cy: root.y, r: 3, class: 'br-root'}), texts);
    return drawing;
  };

  function summed(name, p) { return {name, p, label: null, leaf: true, quiet: true, node: -1, children: []}; }

  function spoken(found) {
    return `Probabilities of labels: ${found.decided.label} is the answer, ${chance(found.not_a_label)} is no label`;
  }
})();
