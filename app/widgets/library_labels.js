// The label set: names, verb and noun, colours, hotkeys, order. A label is archived, never deleted.
(() => {
  const {api, el, say, dialog, colour, keyName, keyShown} = window.Studio;
  const ROW = 40, HEAD = 32;
  const pixel = document.createElement('canvas').getContext('2d', {willReadFrequently: true});

  // Any CSS colour as the #rrggbb that a colour input takes.
  function hex(css) {
    pixel.fillStyle = css;
    pixel.fillRect(0, 0, 1, 1);
    return `#${[...pixel.getImageData(0, 0, 1, 1).data.slice(0, 3)].map(n => n.toString(16).padStart(2, '0')).join('')}`;
  }

  window.Studio.labelsDialog = project => dialog('Labels', body => {
    const host = body.closest('dialog');
    host.classList.add('lib-wide', 'lib-labels');
    let labels = [], shown = [], nodes = new Map(), waiting = null, dragged = false, double = new Set();
    const search = el('input', {type: 'search', placeholder: 'Search labels', 'aria-label': 'Search labels', oninput: () => filter()});
    const old = el('input', {type: 'checkbox', onchange: () => filter()}), count = el('span.st-small.st-dim'), warning = el('p.st-note.st-small', {hidden: true});
    const head = el('div.lab-row.lab-head', {role: 'row'}, ['', 'Colour', 'Name', 'Verb', 'Noun', 'Hotkey', 'Segments', ''].map(t => el('span', {role: 'columnheader'}, t)));
    const space = el('div.lib-space'), sight = el('div.lab-body', {role: 'table', 'aria-label': 'Labels', tabindex: 0, onscroll: () => draw()}, head, space);
    const name = el('input.lab-new', {type: 'text', placeholder: 'New label, such as: pour milk', 'aria-label': 'New label', onkeydown: e => { if (e.key === 'Enter') add(); }});
    const none = el('p.st-dim.lab-none', {hidden: true}, 'No labels yet. Add the first one below, or import annotations.');
    body.append(el('div.st-row', {}, search, count, el('span.st-space'), el('label.st-check.st-small', {}, old, 'Show archived')), warning,
      el('div.st-card.lab-card', {}, sight, none),
      el('div.st-row', {}, name, el('button', {onclick: () => add()}, 'Add'), el('span.st-small.st-dim.lab-hint', {}, 'The order is that of the classes. Keys of the editor itself come before hotkeys.')));
    host.addEventListener('close', () => send());

    async function load() {
      labels = (await api(`/api/projects/${project}/labels`)).labels;
      nodes.clear();
      know();
      filter();
    }
    function know() { window.Studio.knowLabels(labels); }

    function filter() {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      shown = labels.filter(l => (old.checked || !l.archived) && words.every(w => `${l.name} ${l.verb} ${l.noun}`.toLowerCase().includes(w)));
      const live = labels.filter(l => !l.archived).length;
      count.textContent = `${shown.length === live ? '' : `${shown.length.toLocaleString('en')} of `}${live.toLocaleString('en')} labels${labels.length > live ? `, ${(labels.length - live).toLocaleString('en')} archived` : ''}`;
      none.hidden = labels.length > 0;
      warn();
      draw();
    }

    function warn() {
      const by = new Map();
      for (const l of labels) if (l.hotkey && !l.archived) by.set(l.hotkey, [...(by.get(l.hotkey) || []), l]);
      const twice = [...by].filter(([, all]) => all.length > 1);
      warning.hidden = !twice.length;
      warning.textContent = twice.map(([key, all]) => `${keyShown(key)} is the key of ${all.map(l => l.name).join(' and ')}: only the last one is reached by it.`).join(' ');
      double = new Set(twice.flatMap(([, all]) => all.map(l => l.id)));
    }

    // Only the rows in sight are in the page; a row that stays in sight stays the same element, so that typing goes on.
    function draw() {
      const from = Math.max(0, Math.floor(sight.scrollTop / ROW) - 4), to = Math.min(shown.length, from + Math.ceil(sight.clientHeight / ROW) + 8);
      space.style.height = `${shown.length * ROW}px`;
      const wanted = shown.slice(from, to).map((label, i) => {
        const node = nodes.get(label.id) || line(label);
        nodes.set(label.id, node);
        node.style.top = `${(from + i) * ROW}px`;
        node.show();
        return node;
      });
      const keep = new Set(wanted);
      for (const [id, node] of nodes) if (!keep.has(node)) { node.remove(); nodes.delete(id); }
      if (dragged) return wanted.filter(node => !node.isConnected).forEach(node => space.append(node));  // a moved element would let go of the pointer
      const active = document.activeElement;
      let at = space.firstChild;
      for (const node of wanted) { if (node === at) at = at.nextSibling; else space.insertBefore(node, at); }
      if (active !== document.activeElement && space.contains(active)) active.focus({preventScroll: true});
    }

    // Save one field; a refusal is said and the former value stands again.
    async function change(label, values) {
      const before = Object.fromEntries(Object.keys(values).map(key => [key, label[key]]));
      Object.assign(label, values);
      try { await api(`/api/labels/${label.id}`, values); } catch { Object.assign(label, before); }
      know();
      filter();
    }

    function line(label) {
      const fields = ['name', 'verb', 'noun'].map(key => el('input', {type: 'text', name: key, 'aria-label': `${key} of ${label.name}`, spellcheck: false, autocomplete: 'off', maxlength: key === 'name' ? 200 : 100, onchange: e => {
        const value = e.target.value.trim();
        if (value !== label[key]) change(label, {[key]: value});
      }, onkeydown: e => { if (e.key === 'Enter') e.target.blur(); }}));
      const pick = el('input', {type: 'color', 'aria-label': `Colour of ${label.name}`, onpointerdown: () => { pick.value = hex(colour(label.name)); }, onchange: () => change(label, {colour: pick.value})});
      const swatch = el('label.lab-swatch', {}, pick);
      const derive = el('button.st-quiet', {title: 'Derive the colour again', 'aria-label': `Derive the colour of ${label.name}`, onclick: () => change(label, {colour: ''})}, '↺');
      const key = el('input.lab-key', {type: 'text', readOnly: true, 'aria-label': `Hotkey of ${label.name}`, title: 'Press a key; Backspace removes it', onkeydown: e => {
        if (['Tab', 'Escape', 'Shift', 'Control', 'Alt', 'Meta', 'Enter'].includes(e.key) || e.ctrlKey || e.altKey || e.metaKey) return;
        e.preventDefault();
        const hotkey = ['Backspace', 'Delete'].includes(e.key) ? '' : keyName(e);
        if (hotkey !== label.hotkey) change(label, {hotkey});
      }});
      const archive = el('button.st-quiet', {onclick: () => change(label, {archived: !label.archived})});
      const node = el('div.lab-row', {role: 'row', 'data-label': label.id},
        el('span.lab-grip', {title: 'Drag to another place', 'aria-hidden': 'true', onpointerdown: e => drag(e, label)}, '⠿'),
        el('span.lab-colour', {}, swatch, derive), fields, key, el('span.lab-count', {}, label.segments ? label.segments.toLocaleString('en') : '–'),
        el('span.lab-acts', {}, el('button.st-quiet', {'aria-label': `Move ${label.name} up`, title: 'Up', onclick: () => move(label, -1)}, '↑'),
          el('button.st-quiet', {'aria-label': `Move ${label.name} down`, title: 'Down', onclick: () => move(label, 1)}, '↓'), archive));
      // Brings the row up to date without taking what is being typed.
      node.show = () => {
        for (const field of fields) if (field !== document.activeElement) field.value = label[field.name];
        swatch.style.background = colour(label.name);
        swatch.title = label.colour ? 'Its own colour' : 'Derived from its words; click to choose another';
        derive.hidden = !label.colour;
        key.value = keyShown(label.hotkey);
        archive.textContent = label.archived ? 'Bring back' : 'Archive';
        archive.title = label.archived ? 'It takes new segments again' : 'Its segments stay; it takes no new ones and is no class';
        node.classList.toggle('archived', label.archived);
        node.classList.toggle('twice', double.has(label.id));
      };
      return node;
    }

    // Put a label before or behind the one that is shown next to it.
    function move(label, by) {
      const other = shown[shown.indexOf(label) + by];
      if (other) place(label, other, by > 0);
    }

    function place(label, other, behind) {
      labels.splice(labels.indexOf(label), 1);
      labels.splice(labels.indexOf(other) + (behind ? 1 : 0), 0, label);
      filter();
      clearTimeout(waiting);
      waiting = setTimeout(send, 800);  // a walk of ten places is one change
    }

    async function send() {
      if (waiting === null) return;
      clearTimeout(waiting);
      waiting = null;
      try { await api(`/api/projects/${project}/labels/order`, {ids: labels.map(l => l.id)}); } catch { await load().catch(() => {}); }
    }

    function drag(event, label) {
      const grip = event.target;
      event.preventDefault();
      grip.setPointerCapture(event.pointerId);
      dragged = true;
      nodes.get(label.id).classList.add('dragged');
      const moved = e => {
        const box = sight.getBoundingClientRect();
        if (e.clientY < box.top + 20) sight.scrollTop -= 12; else if (e.clientY > box.bottom - 20) sight.scrollTop += 12;
        const wanted = Math.max(0, Math.min(shown.length - 1, Math.floor((e.clientY - box.top - HEAD + sight.scrollTop) / ROW))), at = shown.indexOf(label);
        if (wanted !== at) place(label, shown[wanted], wanted > at);
      };
      grip.addEventListener('pointermove', moved);
      grip.addEventListener('lostpointercapture', () => { grip.removeEventListener('pointermove', moved); dragged = false; nodes.get(label.id)?.classList.remove('dragged'); draw(); }, {once: true});
    }

    async function add() {
      const text = name.value.trim().replace(/\s+/g, ' ');
      if (!text) return name.focus();
      const known = labels.find(l => l.name === text);
      if (known && !known.archived) return say(`'${text}' is there already.`);
      await send();
      const {id} = await api(`/api/projects/${project}/labels`, {name: text});
      if (known) say(`'${text}' is back from the archive.`, 'good');
      name.value = ''; search.value = '';
      await load();
      sight.scrollTop = shown.findIndex(l => l.id === id) * ROW;
      draw();
    }
    load().catch(() => {});
    new ResizeObserver(() => draw()).observe(sight);
  });
})();
