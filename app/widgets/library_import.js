// Import: a preview and its faults before anything is written; columns, tracks and rates to choose.
(() => {
  const {api, el, say, dialog} = window.Studio;
  const SHOWN = 200;
  const UNITS = {frames: 'frames, from 0', clock: 'h:m:s'};
  const ROLES = [['video', 'Video', "the file's own name"], ['start', 'Start', null], ['end', 'End', '–'], ['length', 'or length', '–'], ['label', 'Label', null],
    ['track', 'Track', '–'], ['kind', 'Kind', '–'], ['confidence', 'Confidence', '–'], ['note', 'Note', '–']];
  const number = n => n.toLocaleString('en'), many = (n, one, more = `${one}s`) => `${number(n)} ${n === 1 ? one : more}`;

  // Which column is what: the first rows, a select a role, the unit of the times.
  function columnStep(seen, again) {
    const picks = Object.fromEntries(ROLES.map(([role, , none]) => [role, el('select', {'aria-label': `Column of ${role}`, onchange: () => mark()},
      none === null && seen.guess[role] ? null : el('option', {value: ''}, none ?? 'choose …'),
      seen.names.map(name => el('option', {value: name, selected: seen.guess[role] === name}, name)))]));
    const unit = el('select', {'aria-label': 'Unit of times'}, Object.entries(seen.units).map(([name, what]) => el('option', {value: name, title: what, selected: name === seen.unit}, UNITS[name] || name)));
    const header = el('input', {type: 'checkbox', checked: seen.header, onchange: () => again(header.checked)});
    const heads = seen.names.map(name => el('th', {}, el('span', {}, name), el('em')));
    const mark = () => seen.names.forEach((name, i) => {
      const roles = ROLES.filter(([role]) => picks[role].value === name).map(([role]) => role);
      heads[i].lastChild.textContent = roles.join(', ');
      heads[i].className = roles.length ? 'used' : '';
    });
    mark();
    return {
      element: el('details.lib-columns', {open: true}, el('summary', {}, el('h2', {}, `What are the columns of ${seen.file}?`)),
        el('div.lib-rows', {tabindex: 0}, el('table', {}, el('thead', {}, el('tr', {}, heads)), el('tbody', {}, seen.rows.map(row => el('tr', {}, row.map(cell => el('td', {title: cell}, cell))))))),
        el('div.lib-picks', {}, ROLES.map(([role, title]) => el('label', {}, title, picks[role])), el('label.lib-unit', {}, 'Times are', unit)),
        el('label.st-check', {}, header, 'The first line holds the names of the columns'),
        el('p.st-small.st-dim', {}, 'Without an end and a length, every row is a point event.')),
      unit,
      mapping: () => ({columns: Object.fromEntries(ROLES.map(([role]) => [role, picks[role].value]).filter(([, name]) => name)), unit: unit.value, header: header.checked}),
    };
  }

  window.Studio.importDialog = project => dialog('Import annotations', (body, close) => {
    let seen = null, step = null, tracks = null, busy = false;
    const token = window.Studio.uuid();
    const paths = el('textarea', {rows: 2, spellcheck: false, placeholder: '/home/me/videos/labels.csv', oninput: () => forget()});
    const columns = el('div.lib-slot'), out = el('div.lib-preview'), working = el('div.lib-working', {hidden: true, role: 'status'});
    const skip = el('input', {type: 'checkbox', onchange: () => ready()}), skipping = el('label.st-check', {hidden: true}, skip, 'Skip faulty rows');
    const rate = el('input', {type: 'number', min: 0, step: 'any', placeholder: "the video's own", 'aria-label': 'Frames a second', onchange: () => preview()});
    const rates = el('label.lib-rate', {hidden: true}, 'Frames a second of the labels', rate);
    const choices = el('div.st-row.lib-choices'), made = el('details.lib-made', {hidden: true});
    const mapBy = el('button.st-quiet', {hidden: true, onclick: () => askColumns(null)}, 'Choose its columns');
    const look = el('button', {onclick: () => preview()}, 'Preview');
    const go = el('button.main', {disabled: true, onclick: () => write()}, 'Import');
    const list = () => paths.value.split('\n').map(p => p.trim()).filter(Boolean);
    const asked = () => ({paths: list(), frame_rate: Number(rate.value) || null, tracks, mapping: step && step.mapping()});
    const ready = () => { go.disabled = busy || !seen || !(seen.counts?.taken ?? seen.taken.length) || (count('faults') > 0 && !skip.checked); look.disabled = busy; };
    const count = name => seen.counts?.[name] ?? seen[name].length;

    function forget() {
      seen = step = tracks = null; rate.value = ''; rates.hidden = skipping.hidden = mapBy.hidden = true;
      for (const part of [columns, choices, out]) part.replaceChildren();
      ready();
    }

    // Run something that may take a while on a big file; the page stays alive and says so.
    async function while_(what, act) {
      const began = Date.now(), text = el('span.st-small.st-dim', {}, `${what} …`);
      busy = true; ready();
      working.replaceChildren(el('div.st-bar.lib-busy', {}, el('i')), text);
      const timer = setInterval(() => { working.hidden = false; text.textContent = `${what} … ${Math.round((Date.now() - began) / 1000)} s`; }, 400);
      try { await act(); } catch (error) { out.replaceChildren(el('p.st-note.bad', {}, error.message)); }
      clearInterval(timer); working.hidden = true; busy = false; ready();
    }

    function preview() {
      seen = null; out.replaceChildren();
      return while_('Reading', async () => {
        const found = await api(`/api/projects/${project}/import/preview`, asked(), {quiet: true});
        if (found.columns) return showColumns(found.columns, 'No known format: say what the columns are, then look at the preview again.');
        seen = found;
        show();
        if (step) step.element.open = false;
      });
    }

    function askColumns(header) {
      return while_('Reading', async () => {
        const found = await api('/api/import/columns', {paths: list(), header}, {quiet: true});
        if (!found) throw new Error('This file is no table with rows and columns.');
        seen = null; out.replaceChildren();
        showColumns(found);
      });
    }

    function showColumns(found, why = '') {
      step = columnStep(found, askColumns);
      const frames = () => { rates.hidden = step.unit.value !== 'frames'; };
      step.unit.addEventListener('change', frames);
      frames();
      mapBy.hidden = true;
      columns.replaceChildren(...(why ? [el('p.st-note.st-small', {}, why)] : []), step.element);
    }

    function show() {
      skipping.hidden = !count('faults');
      rates.hidden = !seen.by_frame && step?.unit.value !== 'frames';
      mapBy.hidden = !!step || seen.format !== 'table';
      const names = Object.keys(seen.of_tracks || {});
      choices.replaceChildren(...(names.length < 2 ? [] : [el('span.st-small.st-dim', {}, 'Tracks to take:'), ...names.map(name => el('label.st-check', {},
        el('input', {type: 'checkbox', checked: !seen.chosen || seen.chosen.includes(name), 'data-track': name, onchange: () => {
          tracks = [...choices.querySelectorAll('input:checked')].map(box => box.dataset.track); preview(); }}),
        `${name || 'without a name'} (${number(seen.of_tracks[name])})`))]));
      const part = (key, title, row, hint) => {
        const all = count(key), items = seen[key].slice(0, SHOWN);
        return [el('h2', {}, `${title}: ${number(all)}`), hint ? el('p.st-small.st-dim', {}, hint) : null,
          items.length ? el('ul.st-list', {}, items.map(row), all > items.length ? el('li.st-dim', {}, `and ${number(all - items.length)} more`) : null) : null];
      };
      const classes = seen.classes, some = classes.slice(0, 40).join(', ');
      out.replaceChildren(...[
        seen.notes?.length ? [el('p.st-note.info.st-small', {}, seen.notes.join(' '))] : [],
        part('taken', 'Rows taken', r => el('li', {}, el('span', {}, r.video), el('span.st-dim', {}, (r.labels ?? [...new Set(r.segments.map(s => s[2]))]).join(', ') || 'nothing labelled', r.note ? ` · ${r.note}` : null)),
          `${many(seen.segments, 'segment')} of ${many(classes.length, 'class', 'classes')}${classes.length ? `: ${some}${classes.length > 40 ? ' …' : ''}` : ''}${seen.clipped ? `. ${seen.clipped} ends were cut to the end of their video.` : ''}`),
        part('missing', 'Rows whose video is not here', r => el('li', {}, el('span', {}, r.line ? `${r.file}, line ${r.line}` : r.file), el('span.st-dim', {}, r.video)), count('missing') ? 'No fault: add the folder with these videos to import them too.' : ''),
        part('faults', 'Faulty rows', r => el('li', {}, r.sentence), count('faults') ? 'Nothing is imported unless every row is right, or you skip the faulty ones.' : ''),
      ].flat().filter(Boolean));
    }

    function write() {
      return while_('Writing', async () => {
        const done = await api(`/api/projects/${project}/import`, {...asked(), token, skip_faulty: skip.checked}, {quiet: true});
        say(`${number(done.segments)} segments of ${number(done.rows)} rows imported into ${number(done.videos)} videos.`, 'good');
        close(true);
      });
    }

    async function listMade() {
      const all = await api(`/api/projects/${project}/imports`, undefined, {quiet: true});
      made.hidden = !all.length;
      made.replaceChildren(el('summary', {}, `Imports made: ${all.length}`), el('ul', {}, all.slice(0, SHOWN).map(one => el('li', {},
        el('span.lib-source', {title: one.source}, one.source.split('/').pop()), el('span.st-dim', {}, one.format), el('span', {}, many(one.segments, 'segment')),
        el('span.st-dim', {}, new Date(one.created_us / 1000).toLocaleString()),
        one.undone_us ? el('span.st-dim', {}, 'undone') : el('button', {onclick: e => undo(one, e.target)}, 'Undo')))));
    }

    async function undo(one, button) {
      button.disabled = true;
      try {
        const done = await api(`/api/imports/${one.id}/undo`, {});
        const text = `Removed ${number(done.removed)}${done.kept ? `; ${number(done.kept)} kept because they were edited since` : ''}.`;
        say(text, 'good');
      } catch { /* said already */ }
      await listMade();
    }

    body.append(el('label', {}, 'Annotation files or folders with them, one path a line; or one folder of features', paths),
      el('div.st-row', {}, look, mapBy, rates, skipping, el('span.st-space'), go), columns, choices, working, out, made);
    listMade().catch(() => {});
    setTimeout(() => paths.focus());
  });
})();
