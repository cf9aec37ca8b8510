// Export: what a format loses of this project is said before anything is written.
(() => {
  const {api, el, dialog} = window.Studio;
  const many = (n, word) => `${n.toLocaleString('en')} ${word}${n === 1 ? '' : 's'}`;

  window.Studio.exportDialog = project => dialog('Export annotations', body => {
    body.closest('dialog').classList.add('lib-wide');
    let plan = null, format = null, watched = null;
    const split = el('select', {onchange: () => look()}, ['', 'train', 'val', 'test'].map(s => el('option', {value: s}, s || 'all videos')));
    const list = el('div.lib-formats', {role: 'listbox', 'aria-label': 'Format'}), told = el('div.lib-told');
    const target = el('input', {type: 'text', spellcheck: false, autocomplete: 'off', 'aria-label': 'Path on this machine', oninput: () => { target.typed = true; }});
    const hint = el('span'), out = el('div.lib-result', {'aria-live': 'polite'});
    const go = el('button.main', {disabled: true, onclick: () => write()}, 'Export');
    body.append(el('div.lib-export', {}, el('div.lib-side', {}, el('label', {}, 'Videos', split), list),
      el('div.lib-main', {}, told, el('label', {}, hint, target), el('div.st-row', {}, el('span.st-space'), go), out)));

    async function look() {
      go.disabled = true;
      told.replaceChildren(el('p.st-dim', {}, 'Counting …'));
      try {
        plan = await api(`/api/projects/${project}/export${split.value ? `?split=${split.value}` : ''}`, undefined, {quiet: true});
        choose(format?.name || 'table');
      } catch (error) { plan = null; list.replaceChildren(); told.replaceChildren(el('p.st-note.bad', {}, error.message)); }
    }

    function choose(name) {
      format = plan.formats.find(f => f.name === name);
      list.replaceChildren(...plan.formats.map(f => el('button.st-quiet', {
        role: 'option', 'aria-selected': f === format ? 'true' : 'false', onclick: () => choose(f.name)}, f.title)));
      const clips = name === 'clip_folder';
      const here = [...format.lost, ...(format.rounded ? [`${many(format.rounded, 'segment')} with rounded times`] : [])];
      told.replaceChildren(el('h2', {}, format.title), el('p', {}, format.statement), here.length
        ? el('p.st-note', {}, el('b', {}, 'Lost of this project: '), `${here.join(', ')}.`)
        : el('p.st-note.info', {}, plan.segments ? 'Of this project nothing of that kind is lost.' : 'There are no segments yet.'));
      hint.textContent = format.folder ? 'Folder to write; it must not exist' : 'File to write; it must not exist';
      if (!target.typed || !target.value.trim()) { target.value = format.target; target.typed = false; }
      go.disabled = clips && !format.segments;
      go.textContent = clips ? `Cut ${many(format.segments, 'clip')} of ${many(plan.videos, 'video')}` : `Export ${many(plan.videos, 'video')}, ${many(format.segments, 'segment')}`;
      if (!watched) out.replaceChildren();
    }

    async function write() {
      go.disabled = true;
      out.replaceChildren(el('p.st-dim', {}, 'Writing …'));
      try {
        const done = await api(`/api/projects/${project}/export`, {format: format.name, target: target.value.trim(), split: split.value || null}, {quiet: true});
        if (done.job) watch(done); else lies(`${many(done.segments, 'segment')} of ${many(done.videos, 'video')}`, done.target);
      } catch (error) { out.replaceChildren(el('p.st-note.bad', {}, error.message)); }
      go.disabled = false;
    }

    const lies = (what, where) => out.replaceChildren(el('p.st-note.info', {}, `${what} are in `, el('b.lib-path', {}, where)));

    // A job goes on when this dialog is closed.
    function watch(started) {
      watched = started.job;
      const fill = el('i'), text = el('span.st-small.st-dim', {}, 'waiting for its turn …');
      const stop = el('button', {onclick: () => { stop.disabled = true; api(`/api/jobs/${started.job}/stop`, {how: 'discard'}); }}, 'Stop');
      out.replaceChildren(el('div.st-bar', {}, fill), el('div.st-row', {}, text, el('span.st-space'), stop));
      window.Studio.every(out, 700, async () => {
        if (watched !== started.job) return;
        const job = (await api(`/api/projects/${project}/jobs`, undefined, {quiet: true})).find(j => j.id === started.job);
        if (!job) return;
        fill.style.width = `${100 * job.done / (job.total || 1)}%`;
        if (job.total) text.textContent = `${job.done.toLocaleString('en')} of ${many(job.total, 'clip')}${job.left_s ? `, about ${window.Studio.span(job.left_s)} left` : ''}`;
        if (['RUNNING', 'STOPPING', 'QUEUED'].includes(job.state)) return;
        watched = null;
        if (job.state === 'DONE') lies(many(started.segments, 'clip'), started.target);
        else out.replaceChildren(el('p.st-note.bad', {}, job.error ? window.Studio.sentence(job.error) : 'Stopped; nothing was written.'));
      });
    }
    look();
  });
})();
