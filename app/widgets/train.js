// Train: one click starts a fine-tune. What is queued, how it goes, what came out.
(() => {
  const {api, el, every, say, dialog, project, span, percent, spread} = window.Studio;
  const CLASSIFIERS = [['generative', 'G', 'writes the label, token by token'], ['discriminative', 'D', 'a [CLS] token and a head: one step'],
    ['gad', 'GAD', 'discriminative, with a text loss on context in training only']];
  const TASKS = {online_detection: 'online action detection', step_recognition: 'step recognition (one answer a segment)',
    next_step: 'next-step forecasting (what follows a segment)', task_recognition: 'task recognition (what a whole video is about)',
    clip_tasks: 'step, next step and task together'};
  const DECODERS = [['exact', 'exact: every label scored'], ['greedy', 'greedy + nearest label (paper)'], ['trie', 'trie: likeliest allowed token'], ['beam', 'beam: four likeliest paths']];
  const CONTEXTS = [['previous_action', 'previous action'], ['previous_three', 'previous three actions'], ['next_action', 'next action'], ['current_label', 'current label'],
    ['current_and_previous', 'current and previous'], ['task_goal', 'task goal'], ['shuffled', 'shuffled (control)'], ['none', 'none'],
    ['auto', 'auto: chosen on validation by short runs']];
  const CODECS = [['text', 'text: its name'], ['random', 'random: other sub-words, same overlap'], ['desync', 'desync: other sub-words, no overlap'], ['extend', 'extend: one new token']];
  const CURVES = [['loss', 'loss', 'y'], ['cls', 'classification loss', 'y'], ['gen', 'text loss', 'y'], ['val_loss', 'validation loss', 'y'], ['val_accuracy', 'validation accuracy', 'y2']];

  window.Studio.pages.train = async root => {
    const {current} = await project();
    if (!current) return root.replaceChildren(el('div.st-empty.st-card', {}, el('p', {}, 'There is no project yet.')));
    let jobs = [], runs = [], selected = null, points = {}, lastStep = -1, sawOwn = false;

    // ---- the form -------------------------------------------------------------------------------
    const summary = el('div.tr-data'), notes = el('div.tr-notes');
    const task = el('select', {'aria-label': 'Task', onchange: () => look()}, Object.entries(TASKS).map(([id, name]) => el('option', {value: id}, name)));
    const own = current.backbone !== 'nano' ? el('option', {value: current.backbone}, `${current.backbone.split(/[\\/]/).pop()} (features)`) : null;
    const backbone = el('select', {'aria-label': 'Backbone', onchange: () => choose()}, own, el('option', {value: 'nano'}, 'nano (runs here, no download)'));
    const folder = el('input', {type: 'text', hidden: true, style: 'width:100%;margin-top:8px', placeholder: '/path/of/a/folder', 'aria-label': 'Backbone folder', onchange: () => look()});
    const about = el('p.st-small.st-dim', {hidden: true, style: 'margin:8px 0 0'}), more = el('div');
    const base = () => backbone.value || folder.value.trim();
    const picks = CLASSIFIERS.map(([id, mark, what]) => el('label.tr-pick', {title: what},
      el('input', {type: 'radio', name: 'classifier', value: id, checked: id === 'gad'}), el('b.st-mark', {}, mark), el('span.st-small.st-dim', {}, what)));
    const steps = el('input', {type: 'number', min: 1, max: 100000, value: '240', 'aria-label': 'Steps'});
    const seed = el('input', {type: 'number', min: 0, value: '0', 'aria-label': 'Seed'});
    const choice = (label, pairs) => el('select', {'aria-label': label}, ...pairs.map(([value, text]) => el('option', {value}, text)));
    const decoder = choice('Decoder', DECODERS), context = choice('Context', CONTEXTS), codec = choice('Label as', CODECS);
    const one = el('button.main', {onclick: () => start(false)}, 'Fine-tune'), three = el('button', {onclick: () => start(true)}, 'Fine-tune all three');
    const field = (name, ...input) => el('div.tr-field', {}, el('span.st-dim', {}, name), el('div', {}, input));
    const form = el('section.st-card.tr-form', {'aria-label': 'Fine-tune'}, el('h1', {}, 'Fine-tune'),
      field('data', summary), field('task', task), field('backbone', backbone, folder, about, more), field('classifier', picks),
      el('details', {}, el('summary.st-dim', {}, 'Advanced'), field('steps', steps), field('seed', seed), field('label as', codec), field('decoder', decoder), field('context', context)),
      el('div.st-row', {}, one, three), notes);

    // ---- runs and the chosen job -----------------------------------------------------------------
    const list = el('div.tr-runs'), title = el('h2'), error = el('div', {hidden: true}), hints = el('div.tr-notes'), chart = el('div.tr-chart'), controls = el('div.st-row');
    const detail = el('section.st-card.tr-detail', {'aria-label': 'Curves', hidden: true}, el('div.st-row', {}, title, el('span.st-space'), controls), error, chart, hints);
    root.replaceChildren(el('div.tr-grid', {}, form, el('div.tr-right', {}, el('section.st-card.tr-list', {'aria-label': 'Runs'}, el('h2', {}, 'Runs'), list), detail)));

    // What fits this machine and lies on it can be chosen; of the others the reason is shown.
    async function offer() {
      const known = await api('/api/backbones'), others = known.filter(b => b.why_not);
      backbone.append(...known.filter(b => b.name !== 'nano').map(b => el('option', {value: b.name, disabled: Boolean(b.why_not)},
        `${b.name} · ${b.licence} · ${b.download_gb} GB${b.why_not ? b.fits ? ' · not here' : ' · too large' : ''}`)), el('option', {value: ''}, 'a folder …'));
      if (others.length) more.replaceChildren(el('details.st-small', {style: 'border:0;padding-top:4px'}, el('summary.st-dim', {}, `${others.length} more that are not here or too large`),
        el('ul.st-list', {}, ...others.map(b => el('li', {}, el('b', {}, b.name), el('span.st-dim', {}, ` ${b.why_not}`))))));
      offer.known = Object.fromEntries(known.map(b => [b.name, b]));
    }

    function choose() {
      const b = offer.known?.[backbone.value];
      folder.hidden = Boolean(backbone.value);
      about.textContent = folder.hidden ? (b && b.hub ? `${b.parameters} billion parameters, about ${b.memory_gb} GB to train, licence ${b.licence}. ${b.note}` : '')
        : 'A folder with backbone.json (composed, features), or the Hugging Face folder of a vision-language model.';
      about.hidden = !about.textContent;
      if (!folder.hidden) folder.focus();
      look();
    }

    async function look() {
      if (!base()) return notes.replaceChildren();
      const d = await api(`/api/projects/${current.id}/data?task=${task.value}&backbone=${encodeURIComponent(base())}`);
      const v = d.videos;
      summary.replaceChildren(`${current.name} · ${v.train} train / ${v.val} val / ${v.test} test · ${d.classes} classes · ${d.segments} training segments`);
      const warnings = [...d.warnings];
      if (!v.train) warnings.unshift('No training video yet: set the split of labelled videos to ‘train’ in the library.');
      if (base() === 'nano' && current.name !== 'kitchen') warnings.push('nano knows only the kitchen world and sees other video poorly; another backbone is the remedy.');
      notes.replaceChildren(...warnings.map(w => el('p.st-note.st-small', {}, w)));
    }

    async function start(all) {
      one.disabled = three.disabled = true;
      const classifier = root.querySelector('input[name=classifier]:checked').value;
      const settings = {classifier, task: task.value, backbone: base(), codec: codec.value, decoder: decoder.value, context: context.value,
        training: {steps: Number(steps.value), seed: Number(seed.value)}};
      if (all) delete settings.classifier;
      try {
        const made = await api(`/api/projects/${current.id}/fine-tune`, {settings, all});
        selected = made[0].job; points = {}; lastStep = -1;
        say(all ? 'Three fine-tunes are queued.' : 'The fine-tune is queued. It goes on if you close this tab.', 'good');
        await refresh();
      } catch { /* the sentence was shown */ }
      one.disabled = three.disabled = false;
    }

    async function refresh() {
      [jobs, runs] = await Promise.all([api(`/api/projects/${current.id}/jobs`, undefined, {quiet: true}), api(`/api/projects/${current.id}/runs`, undefined, {quiet: true})]);
      const training = jobs.filter(j => j.kind === 'train');
      if (selected === null) selected = (training.find(j => j.state === 'RUNNING') || training[0])?.id ?? null;
      drawRuns();
      await drawDetail();
    }

    function drawRuns() {
      const other = jobs.filter(j => j.kind !== 'train' && !['DONE', 'STOPPED'].includes(j.state));
      const rows = [...other.map(j => jobRow(j, null)), ...runs.map(r => jobRow(jobs.find(j => j.kind === 'train' && j.run === r.id), r))];
      const text = JSON.stringify([jobs, runs, selected]);
      if (drawRuns.last === text) return;
      drawRuns.last = text;
      list.replaceChildren(...(rows.length ? rows : [el('p.st-dim', {}, 'No run yet. Press Fine-tune: the built-in nano trains in a minute or two on two cores.')]));
    }

    const KINDS = {render: 'rendering the kitchen videos', probe: 'looking at added files', predict: 'prediction', proxy: 'making a playable copy', strip: 'making a filmstrip', cuts: 'looking for shot cuts'};
    function jobRow(job, run) {
      const active = job && ['RUNNING', 'STOPPING', 'QUEUED'].includes(job.state);
      const found = run && (run.metrics.test || run.metrics.val || run.metrics.train);
      const where = run && (run.metrics.test ? 'test' : run.metrics.val ? 'val' : 'train');
      const state = job ? (job.stalled ? 'STALLED' : job.state) : run.state === 'ready' ? 'SHIPPED' : 'WAITING';
      const kind = {DONE: 'good', FAILED: 'bad', LOST: 'bad', STOPPED: 'warn', STALLED: 'warn'}[state];
      const figures = found && !active ? el('span.tr-figures', {}, ...(found.frame_accuracy ? [['S-F1', 'segment_f1@10'], ['accuracy', 'frame_accuracy']] : [['top-1', 'top1'], ['top-5', 'top5']]).map(([name, key]) =>
        el('span', {title: `${name} on ${where}: ${spread(found[key])}`}, el('span.st-dim', {}, `${name} `), el('b', {}, percent(found[key])), half(found[key])))) : null;
      const bar = active && job.total ? el('div.st-bar', {role: 'progressbar', 'aria-valuenow': job.done, 'aria-valuemin': 0, 'aria-valuemax': job.total}, el('i', {style: `width:${100 * job.done / job.total}%`})) : null;
      const progress = active ? el('span.st-small.st-dim', {}, [job.message, job.total ? `${job.done}/${job.total}` : '', job.left_s ? `${span(job.left_s)} left` : ''].filter(Boolean).join(' · ')) : null;
      return el(`div.tr-run${job && job.id === selected ? '.chosen' : ''}`, {tabindex: 0, role: 'button', onclick: () => pick(job), onkeydown: e => { if (e.key === 'Enter') pick(job); }},
        el('span.st-mark.tr-mark', {}, run ? run.mark : '·'), el('span.tr-name', {}, run ? run.name : KINDS[job.kind] || job.kind,
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
      if (!job || job.kind !== 'train') return;
      selected = job.id; points = {}; lastStep = -1; chart.replaceChildren(); drawDetail.key = '';
      refresh();
    }

    async function drawDetail() {
      const job = jobs.find(j => j.id === selected);
      detail.hidden = !job;
      if (!job) return;
      const run = runs.find(r => r.id === job.run);
      title.textContent = `${run?.mark ?? ''} ${run?.name ?? ''} · ${job.state.toLowerCase()}${job.left_s ? ` · ${span(job.left_s)} left` : ''}`;
      error.hidden = !job.error;
      if (job.error) error.replaceChildren(el('p.st-note.bad', {}, window.Studio.sentence({...job.error})));
      const known = job.warnings.join('\n');
      if (hints.dataset.text !== known) { hints.dataset.text = known; hints.replaceChildren(...job.warnings.map(w => el('p.st-note.st-small', {}, w))); }
      const key = `${job.id}|${job.state}`;
      if (drawDetail.key !== key) {
        drawDetail.key = key;
        const button = (name, run, title) => el('button', {onclick: run, title}, name);
        const before = run?.state === 'ready' && runs.find(r => r.id < run.id && r.state === 'ready' && r.task === run.task && r.classifier === run.classifier);
        controls.replaceChildren(...[
          before ? button('What changed', () => { location.href = `/annotate?list=changed&before=${before.id}&after=${run.id}`; }, `Clips that ${before.name} had wrong and this run has right, and the reverse`) : null,
          job.state === 'RUNNING' ? button('Stop and keep', () => stop(job, 'keep'), 'Stop now; what was learned is kept and evaluated') : null,
          ['RUNNING', 'QUEUED', 'STOPPING'].includes(job.state) ? button('Cancel', () => stop(job, 'discard'), 'Stop now and keep nothing') : null,
          job.can_resume ? button('Resume', () => resume(job), 'Go on from the last whole checkpoint') : null,
          button('Log', () => showLog(job), 'What the worker wrote')].filter(Boolean));
      }
      const fresh = await api(`/api/jobs/${job.id}/curve?after=${lastStep - 1}`, undefined, {quiet: true});
      for (const [step, name, value] of fresh) { (points[name] ||= new Map()).set(step, value); lastStep = Math.max(lastStep, step); }
      if (fresh.length || !chart.childElementCount) draw();
    }

    function draw() {
      const css = getComputedStyle(document.body), v = name => css.getPropertyValue(name).trim();
      const traces = CURVES.filter(([id]) => points[id]?.size && !(id === 'cls' && !points.gen) && !(id === 'gen' && !points.cls)).map(([id, name, axis]) => {
        const xs = [...points[id].keys()].sort((a, b) => a - b);
        return {x: xs, y: xs.map(x => points[id].get(x)), name, yaxis: axis, mode: id.startsWith('val') ? 'lines+markers' : 'lines', marker: {size: 4},
          line: {width: id === 'val_accuracy' ? 2.5 : 1.5, color: {loss: v('--dim'), cls: '#3b82d6', gen: '#c9792b', val_loss: '#8a63c7', val_accuracy: v('--good')}[id]}};
      });
      if (!traces.length) return chart.replaceChildren(el('p.st-dim.st-small', {}, 'Curves appear with the first step.'));
      if (chart.querySelector('p')) chart.replaceChildren();
      const axis = {gridcolor: v('--line'), linecolor: v('--line'), zeroline: false, tickfont: {size: 12}};
      window.Plotly?.react(chart, traces, {margin: {l: 48, r: 52, t: 8, b: 36}, height: 260, paper_bgcolor: 'transparent', plot_bgcolor: 'transparent', font: {color: v('--dim'), size: 12, family: css.fontFamily},
        xaxis: {...axis, title: {text: 'step', standoff: 4}}, yaxis: {...axis, title: {text: 'loss', standoff: 4}, rangemode: 'tozero'}, yaxis2: {...axis, tickvals: [0, 25, 50, 75, 100], title: {text: 'accuracy %', standoff: 4}, overlaying: 'y', side: 'right', range: [0, 100], showgrid: false},
        legend: {orientation: 'h', y: 1.15, font: {size: 12}}, hovermode: 'x unified', hoverlabel: {bgcolor: v('--surface'), font: {color: v('--text')}}},
        {responsive: true, displaylogo: false, showSendToCloud: false, plotlyServerURL: '', displayModeBar: false});
    }

    async function stop(job, how) { await api(`/api/jobs/${job.id}/stop`, {how}); say(how === 'keep' ? 'It stops after this step and keeps what it learned.' : 'It is being cancelled.'); refresh(); }
    async function resume(job) { await api(`/api/jobs/${job.id}/resume`, {}); refresh(); }
    async function showLog(job) {
      const {log} = await api(`/api/jobs/${job.id}/log`);
      dialog('Log', body => body.append(el('pre.tr-log', {}, log || 'Nothing was written yet.')));
    }

    window.addEventListener('gad-theme', draw);
    look();
    if (!own) offer();
    every(root, 1000, refresh);
  };
})();
