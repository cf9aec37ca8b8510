// Library: the table first; Add folder and Import are the two buttons.
(() => {
  const {api, el, every, say, dialog, project, length} = window.Studio;
  const ROW = 64;
  const HEALTH = {good: ['good', 'good'], damaged: ['damaged', 'warn'], unreadable: ['unreadable', 'bad'], pending: ['waiting …', '']};

  window.Studio.pages.library = root => {
    let rows = [], shown = [], chosen = new Set(), here = null, last = '';
    const search = el('input', {type: 'search', placeholder: 'Search names', 'aria-label': 'Search names', oninput: () => filter()});
    const count = el('span.st-dim.st-small');
    const splits = el('span.st-row', {hidden: true}, el('span.st-small.st-dim.lib-chosen'), el('span.st-small', {}, 'Set split:'),
      ['train', 'val', 'test', null].map(split => el('button', {onclick: () => setSplit(split)}, split || 'none')));
    const bar = el('div.st-row.lib-bar', {}, search, count, splits, el('span.st-space'),
      el('button', {onclick: importDialog}, 'Import'), el('button.main', {onclick: folderDialog}, 'Add folder'));
    const all = el('input', {type: 'checkbox', 'aria-label': 'Choose all shown', onchange: () => {
      chosen = new Set(all.checked ? shown.map(r => r.id) : []); draw(true); }});
    const head = el('div.lib-head.lib-grid', {role: 'row'}, el('span', {}, all), el('span'), ...['Name', 'Length', 'Health', 'Labelled', 'Segments', 'Split'].map(t => el('span', {role: 'columnheader'}, t)));
    const space = el('div.lib-space'), body = el('div.lib-body', {role: 'table', 'aria-label': 'Videos', tabindex: 0, onscroll: () => draw()}, space);
    const empty = el('div.st-empty', {hidden: true});
    root.replaceChildren(bar, el('div.st-card.lib-card', {}, head, body, empty));

    function filter() {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      shown = rows.filter(r => words.every(w => r.name.toLowerCase().includes(w) || (r.split || '') === w || r.goal.toLowerCase().includes(w)));
      count.textContent = shown.length === rows.length ? `${rows.length} videos` : `${shown.length} of ${rows.length} videos`;
      empty.hidden = rows.length > 0;
      body.hidden = head.hidden = rows.length === 0;
      if (!rows.length) empty.replaceChildren(
        el('p', {}, 'No videos yet. Add a folder by its path on this machine; nothing is uploaded or copied.'),
        el('button.main', {onclick: folderDialog}, 'Add folder'));
      draw(true);
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
      const open = () => { if (r.health !== 'unreadable' && r.health !== 'pending') location.href = `/compare?video=${r.id}`; };
      return el(`div.lib-row.lib-grid${chosen.has(r.id) ? '.chosen' : ''}`, {role: 'row', style: `top:${index * ROW}px`, ondblclick: open},
        el('span', {}, el('input', {type: 'checkbox', checked: chosen.has(r.id), 'aria-label': `Choose ${r.name}`, onchange: e => {
          e.target.checked ? chosen.add(r.id) : chosen.delete(r.id); draw(true); }})),
        el('span.lib-thumb', {onclick: open}, !r.is_features && (r.health === 'good' || r.health === 'damaged') ? el('img', {src: `/thumbs/${r.id}`, alt: '', loading: 'lazy'}) : null),
        el('span.lib-name', {}, el('a', {href: `/compare?video=${r.id}`}, r.name),
          el('span.st-small.st-dim', {}, [r.width ? `${r.width}×${r.height}` : '', r.is_features ? '' : r.codec, r.timing === 'variable' ? 'variable frame rate' : r.fps ? `${+r.fps.toFixed(2)} fps` : '', r.goal].filter(Boolean).join(' · '))),
        el('span', {}, length(r.duration_us)),
        el('span', {}, el(`span.st-badge${kind ? `.${kind}` : ''}`, {title: why || 'Every frame decodes.'}, word),
          r.playable === false && r.health !== 'unreadable' ? el('span.st-small.st-dim', {title: why}, ' copy') : null),
        el('span', {}, r.segments ? '✓' : '–'), el('span', {}, r.segments || '–'),
        el('span', {}, r.split ? el('span.st-badge', {}, r.split) : '–'));
    }

    async function setSplit(split) {
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

    function importDialog() {
      return dialog('Import annotations', (body, close) => {
        const paths = el('textarea', {rows: 3, spellcheck: false, placeholder: '/home/me/videos/labels.csv'});
        const out = el('div.lib-preview');
        const skip = el('input', {type: 'checkbox', onchange: () => ready()});
        const skipping = el('label.st-check', {hidden: true}, skip, 'Skip faulty rows');
        const token = crypto.randomUUID?.() || `${Date.now()}-${Math.random()}`;
        let seen = null;
        const list = () => paths.value.split('\n').map(p => p.trim()).filter(Boolean);
        const ready = () => { go.disabled = !seen || !seen.taken.length || (seen.faults.length > 0 && !skip.checked); };
        const look = el('button', {onclick: async () => {
          seen = null; out.replaceChildren();
          try { seen = await api(`/api/projects/${here}/import/preview`, {paths: list()}, {quiet: true}); preview(seen); } catch (error) { out.replaceChildren(el('p.st-note.bad', {}, error.message)); }
          ready();
        }}, 'Preview');
        const go = el('button.main', {disabled: true, onclick: async () => {
          go.disabled = true;
          try {
            const done = await api(`/api/projects/${here}/import`, {paths: list(), token, skip_faulty: skip.checked}, {quiet: true});
            say(`${done.segments} segments of ${done.rows} rows imported into ${done.videos} videos.`, 'good');
            close(true); refresh();
          } catch (error) { out.prepend(el('p.st-note.bad', {}, error.message)); go.disabled = false; }
        }}, 'Import');
        function preview(p) {
          skipping.hidden = !p.faults.length;
          const part = (title, items, row, hint) => [el('h2', {}, `${title}: ${items.length}`), hint ? el('p.st-small.st-dim', {}, hint) : null,
            items.length ? el('ul.st-list', {}, items.map(row)) : null];
          out.replaceChildren(...[
            ...(p.notes || []).map(note => el('p.st-note.st-small', {}, note)),
            part('Rows taken', p.taken, r => el('li', {}, el('span', {}, r.video), el('span.st-dim', {}, [...new Set(r.segments.map(s => s[2]))].join(', ') || 'nothing labelled', r.note ? ` · ${r.note}` : null)),
              `${p.segments} segments of ${p.classes.length} classes${p.classes.length ? `: ${p.classes.slice(0, 40).join(', ')}${p.classes.length > 40 ? ' …' : ''}` : ''}${p.clipped ? `. ${p.clipped} ends were cut to the end of their video.` : ''}`),
            part('Rows whose video is not here', p.missing, r => el('li', {}, el('span', {}, r.line ? `${r.file}, line ${r.line}` : r.file), el('span.st-dim', {}, r.video)), 'No fault: add the folder with these videos to import them too.'),
            part('Faulty rows', p.faults, r => el('li', {}, r.sentence), p.faults.length ? 'Nothing is imported unless every row is right, or you skip the faulty ones.' : ''),
          ].flat().filter(Boolean));
        }
        body.append(el('label', {}, 'Annotation files (CSV, TSV, GMDCSA24) or folders with them, one path a line; or one folder of features', paths),
          el('div.st-row', {}, look, skipping, el('span.st-space'), go), out);
        setTimeout(() => paths.focus());
      });
    }

    async function refresh() {
      const {current} = await project();
      if (!current) return;
      here = current.id;
      const found = await api(`/api/projects/${here}/videos`);
      const text = JSON.stringify(found);
      if (text === refresh.last) return;
      refresh.last = text; rows = found;
      filter();
      window.dispatchEvent(new Event('gad-data'));
    }
    every(root, 1500, refresh);
    new ResizeObserver(() => draw(true)).observe(body);
  };
})();
