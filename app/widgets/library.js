// Library: the table first; Add folder and Import are the two main buttons.
(() => {
  const {api, el, every, say, dialog, project, query, length, importDialog, exportDialog, labelsDialog} = window.Studio;
  const ROW = 64;
  const HEALTH = {good: ['good', 'good'], damaged: ['damaged', 'warn'], unreadable: ['unreadable', 'bad'], pending: ['waiting …', '']};

  window.Studio.pages.library = root => {
    let rows = [], shown = [], chosen = new Set(), here = null, last = '', revision = null, next = 0;
    const search = el('input', {type: 'search', placeholder: 'Search names', 'aria-label': 'Search names', oninput: () => filter()});
    const count = el('span.st-dim.st-small');
    const splits = el('span.st-row', {hidden: true}, el('span.st-small.st-dim.lib-chosen'), el('span.st-small', {}, 'Set split:'),
      ['train', 'val', 'test', null].map(split => el('button', {onclick: () => setSplit(split)}, split || 'none')));
    let tellKnown;
    const known = new Promise(resolve => { tellKnown = resolve; });  // rows may be seen before the project is sure
    const then = ask => async () => { await known; await ask(here); await refresh(); };
    const bar = el('div.st-row.lib-bar', {}, search, count, splits, el('span.st-space'),
      el('button.st-quiet', {onclick: then(labelsDialog), title: 'Names, colours, hotkeys and order of the labels'}, 'Labels'),
      el('button.st-quiet', {onclick: then(exportDialog), title: 'Write the annotations for another tool'}, 'Export'),
      el('button', {onclick: then(importDialog)}, 'Import'), el('button.main', {onclick: folderDialog}, 'Add folder'));
    const all = el('input', {type: 'checkbox', 'aria-label': 'Choose all shown', onchange: () => {
      chosen = new Set(all.checked ? shown.map(r => r.id) : []); draw(true); }});
    const head = el('div.lib-head.lib-grid', {role: 'row'}, el('span', {}, all), el('span'), ...['Name', 'Length', 'Health', 'Labelled', 'Segments', 'Split'].map(t => el('span', {role: 'columnheader'}, t)));
    const space = el('div.lib-space'), body = el('div.lib-body', {role: 'table', 'aria-label': 'Videos', tabindex: 0, onscroll: () => draw()}, space);
    const empty = el('div.st-empty', {hidden: true});
    root.replaceChildren(bar, el('div.st-card.lib-card', {}, head, body, empty));

    function filter() {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      shown = words.length ? rows.filter(r => words.every(w => r.text.includes(w) || r.split === w)) : rows;
      tell();
      empty.hidden = rows.length > 0;
      body.hidden = head.hidden = rows.length === 0;
      if (!rows.length) empty.replaceChildren(
        el('p', {}, 'No videos yet. Add a folder by its path on this machine; nothing is uploaded or copied.'),
        el('button.main', {onclick: folderDialog}, 'Add folder'));
      draw(true);
    }

    function tell() {
      const many = n => `${n.toLocaleString('en')} video${n === 1 ? '' : 's'}`, waiting = rows.filter(r => r.health === 'pending').length;
      count.textContent = (shown.length === rows.length ? many(rows.length) : `${shown.length.toLocaleString('en')} of ${many(rows.length)}`)
        + (waiting ? ` · looking at files: ${(rows.length - waiting).toLocaleString('en')} done` : '');
    }

    // Only the rows in sight are in the page, so that ten thousand cost what twenty do.
    function draw(force) {
      const from = Math.max(0, Math.floor(body.scrollTop / ROW) - 4), to = Math.min(shown.length, from + Math.ceil(body.clientHeight / ROW) + 10);
      const key = `${from}-${to}`;
      if (!force && key === last) return;
      last = key;
      space.style.height = `${shown.length * ROW}px`;
      space.replaceChildren(...shown.slice(from, to).map((r, i) => line(r, from + i)));
      splits.hidden = !chosen.size;
      splits.querySelector('.lib-chosen').textContent = `${chosen.size} chosen`;
      all.checked = shown.length > 0 && chosen.size >= shown.length;
    }

    function line(r, index) {
      const [word, kind] = r.is_features ? ['features', 'good'] : HEALTH[r.health];
      const why = r.is_features ? 'Features and no video file: everything works but watching.' : r.health_reason || (r.playable === false ? 'Browsers do not play this file; a playable copy is made when it is opened.' : '');
      const href = `/annotate?video=${r.id}`;
      const open = () => { if (r.health !== 'unreadable' && r.health !== 'pending') location.href = href; };
      const facts = [r.width ? `${r.width}×${r.height}` : '', r.is_features ? '' : r.codec, r.timing === 'variable' ? 'variable frame rate' : r.fps ? `${+r.fps.toFixed(2)} fps` : '', r.goal].filter(Boolean).join(' · ');
      return el(`div.lib-row.lib-grid${chosen.has(r.id) ? '.chosen' : ''}`, {role: 'row', style: `top:${index * ROW}px`, ondblclick: open},
        el('span', {}, el('input', {type: 'checkbox', checked: chosen.has(r.id), 'aria-label': `Choose ${r.name}`, onchange: e => {
          e.target.checked ? chosen.add(r.id) : chosen.delete(r.id); draw(true); }})),
        el('span.lib-thumb', {onclick: open}, !r.is_features && (r.health === 'good' || r.health === 'damaged') ? el('img', {src: `/thumbs/${r.id}`, alt: '', loading: 'lazy'}) : null),
        el('span.lib-name', {}, el('a', {href, title: r.name}, r.name),
          el('span.st-small.st-dim', {}, facts, r.predicted ? [facts ? ' · ' : '', el('a.lib-compare', {href: `/compare?video=${r.id}`, title: 'What the runs say of this video'}, 'Compare')] : null)),
        el('span', {}, length(r.duration_us)),
        el('span', {}, el(`span.st-badge${kind ? `.${kind}` : ''}`, {title: why || 'Every frame decodes.'}, word),
          r.playable === false && r.health !== 'unreadable' ? el('span.st-small.st-dim', {title: why}, ' copy') : null),
        el('span', {}, r.segments ? '✓' : '–'), el('span', {}, r.segments ? r.segments.toLocaleString('en') : '–'),
        el('span', {}, r.split ? el('span.st-badge', {}, r.split) : '–'));
    }

    async function setSplit(split) {
      await known;
      await api(`/api/projects/${here}/splits`, {videos: [...chosen], split});
      say(`${chosen.size} videos ${split ? `are now in '${split}'` : 'have no split now'}.`, 'good');
      chosen.clear();
      await refresh();
    }

    function folderDialog() {
      return dialog('Add folder', (body, close) => {
        const path = el('input', {type: 'text', placeholder: '/home/me/videos', spellcheck: false, autocomplete: 'off'});
        const out = el('p.st-small.st-dim', {}, 'Videos of the folder and of its sub-folders are added where they are. Nothing is uploaded or copied.');
        const go = el('button.main', {onclick: async () => {
          go.disabled = true;
          await known;
          try {
            const found = await api(`/api/projects/${here}/folder`, {path: path.value.trim()}, {quiet: true});
            say(`${found.found} videos found, ${found.new} of them new.`, 'good');
            close(true);
            refresh();
          } catch (error) { out.className = 'st-note bad'; out.textContent = error.message; }
          go.disabled = false;
        }}, 'Add');
        path.addEventListener('keydown', e => { if (e.key === 'Enter') go.click(); });
        body.append(el('label', {}, 'Path of the folder on this machine', path), out, el('div.st-row', {}, el('span.st-space'), go));
        setTimeout(() => path.focus());
      });
    }

    // The project used last is most likely this one: its table is asked for while that is made sure.
    async function begin() {
      const wanted = Number(query().get('project') || localStorage.getItem('gad-project'));
      const early = wanted ? refresh(wanted).catch(() => {}) : null;
      const found = (await project()).current?.id ?? null;
      await early;
      if (found === null) return;
      if (found !== wanted) revision = null;
      here = found;
      tellKnown();
      if (revision === null) await refresh();
    }

    // A token is asked for every time, the table only when that changed; a long table less often.
    async function look() {
      if (here === null) return begin();
      if (performance.now() < next) return;
      const state = await api(`/api/projects/${here}/state`, undefined, {quiet: true});
      if (state.revision !== revision) await refresh();
    }

    async function refresh(of = here) {
      const began = performance.now();
      const found = await api(`/api/projects/${of}/table`, undefined, {quiet: here === null});
      next = performance.now() + 10 * (performance.now() - began);
      if (found.revision === revision || (here === null && !found.rows.length)) return;
      revision = found.revision;
      rows = found.rows.map(values => {
        const row = Object.fromEntries(found.columns.map((name, i) => [name, values[i]]));
        row.text = `${row.name} ${row.goal}`.toLowerCase();
        return row;
      });
      filter();
      window.dispatchEvent(new Event('gad-data'));
    }
    every(root, 1500, look);
    new ResizeObserver(() => draw(true)).observe(body);
  };
})();
