// The chosen job: what it needs and sees, its curves, and how it is stopped, resumed or put first.
(() => {
  const {api, el, say, dialog, span, sentence} = window.Studio, train = window.Studio.train ||= {};
  const CURVES = [['loss', 'loss', 'y'], ['cls', 'classification loss', 'y'], ['gen', 'text loss', 'y'], ['val_loss', 'validation loss', 'y'], ['val_accuracy', 'validation accuracy', 'y2']];
  const STOPS = {keep: 'Stop and keep: it ends after this step; what it learned is evaluated, and it can be resumed.',
    discard: 'Stop and discard: it ends now; nothing of it stays but the log and the curves.'};
  const clock = us => new Date(us / 1000).toLocaleString([], {dateStyle: Date.now() - us / 1000 < 43200000 ? undefined : 'medium', timeStyle: 'short'});

  // `changed()` is called after the queue was told something.
  train.detail = changed => {
    const title = el('h2'), controls = el('div.st-row'), said = el('div.tr-notes'), facts = el('dl.tr-facts'), chart = el('div.tr-chart'), help = el('div.st-small.st-dim.tr-help');
    const element = el('section.st-card.tr-detail', {'aria-label': 'The chosen job', hidden: true}, el('div.st-row', {}, title, el('span.st-space'), controls), help, said, facts, chart);
    let points = {}, lastStep = -1, shown = null, job = null;

    async function show(number, runs) {
      if (number !== shown) { shown = number; points = {}; lastStep = -1; window.Plotly?.purge(chart); chart.replaceChildren(); remembered.clear(); }
      element.hidden = number === null;
      if (number === null) return;
      job = await api(`/api/jobs/${number}`, undefined, {quiet: true});
      const run = job.kind === 'train' ? runs.find(r => r.id === job.run) : null;
      const state = job.stalled ? 'stalled' : job.state === 'QUEUED' ? 'waiting' : job.state.toLowerCase();
      title.textContent = [run ? `${run.mark} ${run.name}` : train.KINDS[job.kind] || job.kind, state, job.attempt > 1 ? `attempt ${job.attempt}` : '', left() && `${span(left())} left`].filter(Boolean).join(' · ');
      once('controls', [job.id, job.state, job.resumes_at, run?.state, runs.length], () => drawControls(run, runs));
      once('said', [job.error, job.stalled, job.warnings, job.forecast?.checks, job.forecast?.steps_down, job.forecast?.fell_back], drawSaid);
      once('facts', [job.state, job.forecast, job.labels_of, job.code], drawFacts);
      chart.hidden = job.kind !== 'train';
      if (!chart.hidden) await follow();
    }

    // Drawn again only where something differs, so that a button is not taken from under the pointer.
    const remembered = new Map();
    function once(what, values, paint) {
      const text = JSON.stringify(values);
      if (remembered.get(what) !== text) { remembered.set(what, text); paint(); }
    }

    const active = () => ['RUNNING', 'STOPPING'].includes(job.state);
    // Before the first steps are done, the forecast of two measured ones.
    const left = () => job.state !== 'RUNNING' ? null : job.left_s ?? job.forecast?.left_s ?? null;

    function drawControls(run, runs) {
      const button = (name, act, title) => el('button', {onclick: act, title}, name);
      const before = run?.state === 'ready' && runs.find(r => r.id < run.id && r.state === 'ready' && r.task === run.task && r.classifier === run.classifier);
      const keeps = job.kind === 'train' && job.state === 'RUNNING';
      controls.replaceChildren(...[
        before ? button('What changed', () => { location.href = `/annotate?list=changed&before=${before.id}&after=${run.id}`; }, `Clips that ${before.name} had wrong and this run has right, and the reverse`) : null,
        job.state === 'QUEUED' ? button('Run next', () => tell('next', {}, 'It is the next to run.'), 'Put it before all others that wait') : null,
        keeps ? button('Stop and keep', () => tell('stop', {how: 'keep'}, 'It stops after this step and keeps what it learned.'), STOPS.keep) : null,
        active() ? button('Stop and discard', discard, STOPS.discard) : null,
        job.state === 'QUEUED' ? button('Remove', () => tell('stop', {how: 'discard'}, 'It will not run.'), 'Take it from the queue') : null,
        job.can_resume ? button(job.resumes_at ? `Resume at step ${job.resumes_at}` : 'Start again', () => tell('resume', {}, 'It is queued again.'),
          job.resumes_at ? `Go on from the checkpoint of step ${job.resumes_at}, the newest whole one` : 'There is no whole checkpoint: it begins anew, with the same data and settings') : null,
        button('Log', showLog, 'What the worker wrote')].filter(Boolean));
      help.replaceChildren(...(keeps ? Object.values(STOPS).map(text => el('div', {}, text)) : []));
    }

    function drawSaid() {
      const forecast = job.forecast || {}, note = (text, kind = '') => el(`p.st-note.st-small${kind}`, {}, text);
      const again = job.state === 'QUEUED' || active();  // an error of the attempt before
      said.replaceChildren(...[
        job.error ? note(sentence({...job.error}), again ? '' : '.bad') : null,
        job.stalled ? note('The worker has given no sign of life for half a minute. If it stays so: Stop and discard ends it, after a minute by force.') : null,
        forecast.fell_back ? note(forecast.fell_back) : null,
        ...(forecast.steps_down || []).map(text => note(`Memory was short: ${text}.`, '.info')),
        ...(forecast.checks || []).map(text => note(text)), ...job.warnings.map(text => note(text))].filter(Boolean));
    }

    function drawFacts() {
      const f = job.forecast, seen = job.labels_of, rows = [];
      if (f && active()) {
        rows.push(['a step', `${f.step_s < 1 ? `${Math.round(1000 * f.step_s)} ms` : `${f.step_s.toFixed(1)} s`}, measured`]);
        rows.push(['memory', `${train.ofSize(f.memory_bytes, f.memory_total_bytes)} of ${f.memory_of === 'cpu' ? 'this machine' : f.memory_of}`, f.memory_bytes / f.memory_total_bytes]);
        rows.push(['disk', `${train.size(f.disk_needed_bytes)} for checkpoints, ${train.size(f.disk_free_bytes)} free`]);
      }
      if (seen) rows.push(['labels', `${seen.at_us ? `of ${clock(seen.at_us)}` : 'as they were made'}, ${seen.since || 'no'} change${seen.since === 1 ? '' : 's'} since`]);
      if (job.code) rows.push(['program', job.code]);
      facts.replaceChildren(...rows.flatMap(([name, text, share]) => [el('dt.st-dim', {}, name),
        el('dd', {}, share === undefined ? null : el('span.st-bar', {}, el('i', {style: `width:${100 * share}%`})), text)]));
    }

    async function follow() {
      const fresh = await api(`/api/jobs/${shown}/curve?after=${Math.max(-1, lastStep - 1)}`, undefined, {quiet: true});
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

    async function tell(what, body, text, number = job.id) { await api(`/api/jobs/${number}/${what}`, body); say(text); changed(); }
    async function discard() {
      const number = job.id;
      const sure = await dialog('Stop and discard', (body, close) => body.append(el('p', {}, 'What it learned is deleted; the log and the curves stay.'),
        el('div.st-row', {}, el('button', {onclick: () => close(true)}, 'Discard'), el('button.main', {onclick: () => close(false)}, 'Keep running'))));
      if (sure) await tell('stop', {how: 'discard'}, 'It is being stopped; nothing is kept.', number);
    }
    async function showLog() {
      const {log} = await api(`/api/jobs/${job.id}/log`);
      dialog('Log', body => body.append(el('pre.tr-log', {}, log || 'Nothing was written yet.')));
    }

    window.addEventListener('gad-theme', draw);
    return {element, show};
  };
})();
