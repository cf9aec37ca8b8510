// Train: one click starts a fine-tune. What is queued, how it goes, what came out.
(() => {
  const {api, el, every, project, span, percent, spread} = window.Studio, train = window.Studio.train;
  train.KINDS = {render: 'rendering the kitchen videos', probe: 'looking at added files', predict: 'prediction', proxy: 'making a playable copy', strip: 'making a filmstrip', cuts: 'looking for shot cuts',
    clips: 'cutting out clips', map: 'making a map', reel: 'making a reel', reproduce: 'reproduction'};

  window.Studio.pages.train = async root => {
    const {current} = await project();
    if (!current) return root.replaceChildren(el('div.st-empty.st-card', {}, el('p', {}, 'There is no project yet.')));
    let jobs = [], runs = [], selected = null;
    const form = train.form(current, async job => { selected = job; await refresh(); });
    const meter = train.meter(), detail = train.detail(() => refresh()), list = el('div.tr-runs');
    root.replaceChildren(el('div.tr-grid', {}, form.element,
      el('div.tr-right', {}, meter.element, el('section.st-card.tr-list', {'aria-label': 'Runs'}, el('h2', {}, 'Runs'), list), detail.element)));

    async function refresh() {
      [jobs, runs] = await Promise.all(['jobs', 'runs'].map(what => api(`/api/projects/${current.id}/${what}`, undefined, {quiet: true})));
      const training = jobs.filter(j => j.kind === 'train');
      if (selected === null) selected = (training.find(j => j.state === 'RUNNING') || training[0])?.id ?? null;
      drawRuns();
      await detail.show(selected, runs);
    }

    function drawRuns() {
      const other = jobs.filter(j => j.kind !== 'train' && !['DONE', 'STOPPED'].includes(j.state));
      const text = JSON.stringify([jobs, runs, selected]);
      if (drawRuns.last === text) return;
      drawRuns.last = text;
      const rows = [...other.map(j => jobRow(j, null)), ...runs.map(r => jobRow(jobs.find(j => j.kind === 'train' && j.run === r.id), r))];
      list.replaceChildren(...(rows.length ? rows : [el('p.st-dim', {}, 'No run yet. Press Fine-tune: the built-in nano trains in a minute or two on two cores.')]));
    }

    function jobRow(job, run) {
      const active = job && ['RUNNING', 'STOPPING', 'QUEUED'].includes(job.state);
      const found = run && (run.metrics.test || run.metrics.val || run.metrics.train);
      const where = run && (run.metrics.test ? 'test' : run.metrics.val ? 'val' : 'train');
      const state = job ? (job.stalled ? 'STALLED' : job.state) : run.state === 'ready' ? (run.job ? 'DONE' : 'SHIPPED') : run.job ? run.state.toUpperCase() : 'WAITING';
      const kind = {DONE: 'good', FAILED: 'bad', LOST: 'bad', STOPPED: 'warn', STALLED: 'warn'}[state];
      const figures = found && !active ? el('span.tr-figures', {}, ...(found.frame_accuracy ? [['S-F1', 'segment_f1@10'], ['accuracy', 'frame_accuracy']] : [['top-1', 'top1'], ['top-5', 'top5']]).map(([name, key]) =>
        el('span', {title: `${name} on ${where}: ${spread(found[key])}`}, el('span.st-dim', {}, `${name} `), el('b', {}, percent(found[key])), half(found[key])))) : null;
      const bar = active && job.total ? el('div.st-bar', {role: 'progressbar', 'aria-valuenow': job.done, 'aria-valuemin': 0, 'aria-valuemax': job.total}, el('i', {style: `width:${100 * job.done / job.total}%`})) : null;
      const progress = active ? el('span.st-small.st-dim', {}, [job.message, job.total ? `${job.done}/${job.total}` : '', job.left_s ? `${span(job.left_s)} left` : ''].filter(Boolean).join(' · ')) : null;
      return el(`div.tr-run${job && job.id === selected ? '.chosen' : ''}`, {tabindex: 0, role: 'button', onclick: () => pick(job), onkeydown: e => { if (e.key === 'Enter') pick(job); }},
        el('span.st-mark.tr-mark', {}, run ? run.mark : '·'), el('span.tr-name', {}, run ? run.name : train.KINDS[job.kind] || job.kind,
          run ? el('span.st-small.st-dim', {}, ` ${{step_recognition: 'steps', next_step: 'next step'}[run.task] || ''}`) : null),
        el(`span.st-badge${kind ? `.${kind}` : ''}`, {}, state), bar || figures || el('span'), progress || el('span.st-small.st-dim', {}, found && !active ? `on ${where}` : ''),
        run && run.state === 'ready' ? el('a.st-small', {href: `/compare?runs=${compareWith(run)}`, onclick: e => e.stopPropagation()}, 'Compare') : el('span'));
    }

    // The run itself beside the newest runs of the other classifiers.
    function compareWith(run) {
      const others = ['generative', 'discriminative', 'gad'].map(kind => kind === run.classifier ? run.id : runs.find(r => r.classifier === kind && r.state === 'ready' && r.task === run.task)?.id);
      return others.filter(Boolean).join(',');
    }
    function half(metric) {
      return metric && metric.low !== null && metric.low !== undefined ? el('span.st-dim', {}, ` ±${((metric.high - metric.low) / 2).toFixed(0)}`) : null;
    }

    function pick(job) {
      if (!job) return;
      selected = job.id;
      refresh();
    }

    form.start();
    meter.start();
    every(root, 1000, refresh);
  };
})();
