// Runs: every run of the project with its figures, data, note and tags; two of them beside each other.
(() => {
  const {el, api, say, query, remember, percent, spread} = window.Studio;
  const PREFERRED = ['frame_accuracy', 'top1'];
  const FINISHED = ['ready', 'failed'];
  const day = us => new Date(us / 1000).toLocaleString([], {dateStyle: 'short', timeStyle: 'short'});
  const words = key => key.replaceAll('_', ' ');
  // A column and 1 or −1; the newest first unless the address says otherwise.
  const asked = text => text ? [text.replace(/^-/, ''), text.startsWith('-') ? -1 : 1] : ['Made', -1];

  window.Studio.analysePanels.runs = {title: 'Runs', build(element, context) {
    let rows = [], chosen = (query().get('pair') || '').split(',').map(Number).filter(Boolean).slice(0, 2), sort = asked(query().get('sort')), read = 0;
    const find = el('input', {type: 'search', placeholder: 'Filter by name, note, tag, setting', 'aria-label': 'Filter runs', value: query().get('filter') || '', oninput: () => { remember({filter: find.value}); fill(); }});
    const put = el('input', {type: 'checkbox', checked: query().has('archived'), onchange: () => { remember({archived: put.checked ? 1 : null}); fill(); }});
    const body = el('tbody'), head = el('tr'), note = el('p.ana-note.st-dim', {role: 'status'});
    const table = el('table.ana-table.runs-table', {}, el('thead', {}, head), body);
    const two = el('div.runs-two');
    element.append(el('div.runs', {}, el('div.st-row.runs-bar', {}, find, el('label.st-small', {}, put, ' archived ones too'), note),
      el('div.st-card.runs-card', {}, table), two));
    const beside = window.Studio.TwoRuns(two);

    // ---- columns: [title, value to sort and filter by, cell] ----------------------------------

    const text = (title, key, show = run => run[key]) => [title, run => show(run) || '', run => show(run) || '–'];
    const number = (title, key) => [title, run => run[key], run => run[key] === null ? '–' : String(run[key])];
    function columns() {
      const keys = [...new Set(rows.flatMap(run => Object.keys(run.metrics[context.split] || {})))];
      const some = [...PREFERRED.filter(key => keys.includes(key)), ...keys.filter(key => !PREFERRED.includes(key))].slice(0, 3);
      return [
        ['Run', run => run.name, run => [el('b.st-mark', {}, run.mark), ` ${run.name}`, run.state === 'ready' ? null : el('span.st-dim', {}, ` ${run.state}`)]],
        text('Task', 'task', run => words(run.task)), text('Backbone', 'backbone', run => run.backbone.split('/').pop()),
        text('Context', 'context', run => words(run.context)), text('Decoder', 'decoder'),
        ...some.map(key => {
          const of = run => run.metrics[context.split]?.[key];
          return [`${words(key)}, %`, run => of(run)?.value ?? null, run => el('span', {title: of(run) ? spread(of(run)) : `not measured on ${context.split}`}, percent(of(run)))];
        }),
        number('Videos', 'videos'), number('Segments', 'segments'),
        ['Made', run => run.created_us, run => day(run.created_us)],
        ['Tags', run => run.tags.join(' '), run => field(run, 'tags', run.tags.join(', '), 'tags')],
        ['Note', run => run.note, run => field(run, 'text', run.note, 'note')],
      ];
    }

    // A field that is saved when it is left or Enter is pressed; Escape brings back what was there.
    function field(run, key, value, name) {
      const box = el('input.runs-field', {value, placeholder: name, 'aria-label': `${name} of ${run.name}`, title: value, maxLength: key === 'text' ? 10000 : 800,
        onkeydown: e => { if (e.key === 'Enter') box.blur(); if (e.key === 'Escape') { e.stopPropagation(); box.value = value; box.blur(); } },
        onchange: async () => {
          if (box.value === value) return;
          const said = key === 'text' ? {text: box.value} : {tags: box.value.split(',').map(tag => tag.trim()).filter(Boolean)};
          const kept = await api(`/api/projects/${context.project.id}/runs/${run.id}/note`, said).catch(() => null);
          if (!kept) return;
          Object.assign(run, kept);
          box.value = box.title = value = key === 'text' ? kept.note : kept.tags.join(', ');
          say('Saved.');
        }});
      return box;
    }

    // The choosers of every page leave archived runs out, so the page is read anew.
    async function putAway(run) {
      const archived = run.state !== 'archived';
      await api(`/api/projects/${context.project.id}/runs/${run.id}/archive`, {archived});
      if (archived) remember({runs: context.runs.filter(each => each.id !== run.id).map(each => each.id).join(',')});
      location.reload();
    }

    function fill() {
      const wanted = find.value.toLowerCase().split(/\s+/).filter(Boolean), all = columns();
      const told = run => [...all.map(([, value]) => value(run)), run.classifier, run.state].join(' ').toLowerCase();
      const seen = rows.filter(run => (put.checked || run.state !== 'archived') && wanted.every(word => told(run).includes(word)));
      const by = all.find(([title]) => title === sort[0]) ?? all.find(([title]) => title === 'Made');
      seen.sort((a, b) => {
        const [one, other] = [by[1](a), by[1](b)];
        if (one === null || other === null) return (one === null) - (other === null); // what is missing stands last
        return sort[1] * (one > other ? 1 : one < other ? -1 : b.id - a.id);
      });
      head.replaceChildren(el('th', {title: 'Tick two runs to see them beside each other'}, 'Pair'), ...all.map(([title]) => el('th', {scope: 'col', 'aria-sort': title === by[0] ? (sort[1] > 0 ? 'ascending' : 'descending') : 'none'},
        el('button.st-quiet', {onclick: () => { sort = [title, title === by[0] ? -sort[1] : 1]; remember({sort: `${sort[1] < 0 ? '-' : ''}${title}`}); fill(); }}, title, title === by[0] ? (sort[1] > 0 ? ' ↑' : ' ↓') : ''))), el('th'));
      body.replaceChildren(...seen.map(run => el('tr', {class: run.state === 'archived' ? 'runs-away' : ''},
        el('td', {}, el('input', {type: 'checkbox', checked: chosen.includes(run.id), 'aria-label': `Lay ${run.name} beside another`, onchange: () => tick(run.id)})),
        all.map(([, , cell]) => el('td', {}, cell(run))),
        el('td', {}, [...FINISHED, 'archived'].includes(run.state) ? el('button.st-quiet', {onclick: () => putAway(run), 'aria-label': `${run.state === 'archived' ? 'Bring back' : 'Archive'} ${run.name}`,
          title: run.state === 'archived' ? 'Show it everywhere again' : 'Put it away; nothing is deleted'}, run.state === 'archived' ? 'Bring back' : 'Archive') : null))));
      const away = rows.filter(run => run.state === 'archived').length;
      note.textContent = rows.length ? `${seen.length} of ${rows.length} runs${away ? `, ${away} archived` : ''}; figures on ${context.split}.` : 'No run yet: fine-tune one on the page Train.';
    }

    // Of three ticked runs the one that was ticked first gives way.
    function tick(id) {
      chosen = chosen.includes(id) ? chosen.filter(each => each !== id) : [...chosen, id].slice(-2);
      remember({pair: chosen.join(',')});
      fill();
      show();
    }
    function show() {
      const pair = chosen.map(id => rows.find(run => run.id === id)).filter(Boolean).sort((a, b) => a.id - b.id);
      beside.show(context, pair);
    }

    async function update(now) {
      context = now;
      const mine = ++read;
      const found = await api(`/api/projects/${context.project.id}/run-table`).catch(error => { note.textContent = error.message; return null; });
      if (!found || mine !== read) return;
      rows = found;
      if (!query().get('pair')) chosen = context.runs.slice(0, 2).map(run => run.id);
      fill();
      show();
    }
    return {update};
  }};
})();
