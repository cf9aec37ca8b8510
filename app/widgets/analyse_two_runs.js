// Two runs beside each other: curves, what differs of settings and data, where accuracy changed.
(() => {
  const {el, api, clock, query, remember, analysis} = window.Studio;
  const {about, plot, figureBox, table, card, within, RUNS} = analysis;
  const MOST = 200;
  const PLACES = {
    segments: 'segments that the two trainings have otherwise', videos: 'videos that only one had, or in another split',
    labels: 'other clips of labels that were trained with other segments', rest: 'the rest: the same data, other settings or chance',
  };
  const PLACE = {segments: 'segment changed', videos: 'video moved', labels: 'label changed', rest: 'rest'};
  const base = name => name.split('/').pop().replace(/\.\w+$/, '');
  const say = value => value === null || value === undefined || value === '' ? '–' : String(value);
  const title = run => `${run.mark} ${run.name}`;

  window.Studio.TwoRuns = element => {
    let asked = 0, curves = null, context = null, pair = [];
    window.addEventListener('gad-theme', () => { if (curves) curves(); });

    async function show(now, runs) {
      context = now; pair = runs; curves = null;
      const mine = ++asked;
      if (pair.length < 2) { element.replaceChildren(el('p.st-dim', {}, 'Tick two runs to see what differs between them.')); return; }
      const path = `/api/projects/${context.project.id}`, two = `first=${pair[0].id}&second=${pair[1].id}`;
      const quiet = address => api(address, undefined, {quiet: true}).catch(error => ({error: error.message}));
      const [points, found, change] = await Promise.all([
        Promise.all(pair.map(run => run.job ? quiet(`/api/jobs/${run.job}/curve`) : [])),
        quiet(`${path}/run-difference?${two}`), quiet(`${path}/accuracy-change?${two}&split=${context.split}`)]);
      if (mine !== asked) return;
      element.replaceChildren(el('h2', {}, `${title(pair[0])} → ${title(pair[1])}`),
        el('div.ana-grid', {}, why(change), settings(found), ...data(found), learning(points)));
    }

    // A list whose items play; `tell(item)` gives its cells, an item without a video only stands there.
    function playable(items, tell) {
      const list = el('ul.st-list.ana-clips.runs-list', {tabindex: 0}, items.slice(0, MOST).map(item => {
        const [video, start, end] = item.play ?? [];
        const play = () => { list.querySelector('[aria-current]')?.removeAttribute('aria-current'); node.setAttribute('aria-current', 'true'); return context.play(video, start, end); };
        const node = video ? el('li', {tabindex: 0, role: 'button', onclick: play, onkeydown: e => { if (e.key === 'Enter') play(); }}, tell(item)) : el('li', {}, tell(item));
        return node;
      }));
      if (items.length > MOST) list.append(el('li.st-dim', {}, `${items.length - MOST} more`));
      return list;
    }

    function why(change) {
      const heading = 'Why did accuracy change?';
      if (change.error) return card(heading, change.error);
      const unit = change.dense ? 'frames' : 'clips';
      return card(heading, `Accuracy over ${unit} of ${change.videos} videos of ${context.split} that both have predicted, judged by the present labels: ${within(change.difference)} points (95 % interval over videos, in pairs).`,
        table(['where the difference lies', 'points', unit, 'won', 'lost'], change.places.map(each => [PLACES[each.name], within(each.points, 2), String(each.rows), String(each.gained), String(each.lost)])),
        el('p.st-dim.st-small', {}, `This is bookkeeping of where the difference lies, not its cause: the points add up to the whole. Won: only the second run is right; lost: only the first.${change.data_known ? '' : ' A run was not trained here, so its data are not known and all lies in the rest.'}`),
        change.clips.length ? playable(change.clips.map(clip => ({...clip, play: [clip.video, clip.start_us, clip.end_us]})), clip => [
          el('span.ana-name', {title: clip.name}, `${clip.label} · ${base(clip.name)}`), el('span.st-dim', {}, `${clock(clip.start_us)} · ${PLACE[clip.place]} · ${clip.gained > clip.lost ? '+' : '−'}${Math.abs(clip.gained - clip.lost)}`)])
          : el('p.st-dim', {}, 'Both runs have the same right.'));
    }

    function settings(found) {
      if (found.error) return card('Settings', found.error);
      if (!found.config.length) return card('Settings', 'They have the same settings.');
      return card('Settings', 'Only what differs; the defaults beside.',
        table(['setting', ...pair.map(title), 'default'], found.config.map(each => [`${each.group}: ${each.setting.replaceAll('_', ' ')}`, say(each.first), say(each.second), say(each.default)])));
    }

    function data(found) {
      if (found.error) return [];
      if (!found.data) return [card('Data', `${found.unknown.join(' and ')} ${found.unknown.length > 1 ? 'were not trained here, so their' : 'was not trained here, so its'} data are not known.`)];
      const {labels, segments, classes, ...videos} = found.data;
      const kinds = {added: 'Added', removed: 'Removed', moved: 'Other split'};
      const total = Object.values(segments.count).reduce((sum, n) => sum + n, 0);
      const listed = Object.keys(kinds).flatMap(kind => videos[kind].listed.map(video => ({...video, kind, play: [video.video, 0, video.duration_us]})));
      const none = !listed.length && !total && !labels.added.length && !labels.removed.length;
      if (none) return [card('Data', 'They were trained with the same labels, videos and segments.')];
      return [
        card('Labels', labels.added.length || labels.removed.length ? [labels.added.length ? `Added: ${labels.added.join(', ')}. ` : '', labels.removed.length ? `Removed: ${labels.removed.join(', ')}.` : ''].join('') : 'They have the same label set.',
          classes.length ? el('div.ana-scroll', {}, table(['label', ...pair.map(title), 'changed'], classes.slice(0, MOST).map(each =>
            [each.name, String(each.first), String(each.second), Object.entries(each.changed).map(([how, n]) => `${n} ${how}`).join(', ') || '–']))) : null,
          classes.length ? el('p.st-dim.st-small', {}, `Training segments of each run, and how many segments of the videos that both have (of any split) changed.${classes.length > MOST ? ` ${classes.length - MOST} more labels are not shown.` : ''}`) : null),
        card('Videos', Object.entries(kinds).map(([kind, name]) => `${name}: ${videos[kind].count}`).join(' · '),
          listed.length ? playable(listed, video => [el('span.ana-name', {title: video.name}, base(video.name)),
            el('span.st-dim', {}, `${kinds[video.kind]} · ${video.kind === 'moved' ? `${say(video.before)} → ` : ''}${say(video.split)} · ${video.segments} segments`)]) : null),
        card('Segments', total ? Object.entries(segments.count).map(([how, n]) => `${how}: ${n}`).join(' · ') : 'No segment of a video that both have differs.',
          total ? playable(segments.listed.map(each => ({...each, play: each.video && [each.video, (each.after ?? each.before).start_us, (each.after ?? each.before).end_us]})), each => [
            el('span.ana-name', {title: each.name}, `${[...new Set([each.before?.label, each.after?.label].filter(Boolean))].join(' → ')} · ${base(each.name)}`),
            el('span.st-dim', {}, `${each.how} · ${[...new Set([each.before, each.after].filter(Boolean).map(s => `${clock(s.start_us)}–${clock(s.end_us)}`))].join(' → ')}`)]) : null),
      ];
    }

    // The same curve of both runs in one figure.
    function learning(points) {
      const known = points.map(of => Array.isArray(of) ? of : []);
      const names = [...new Set(known.flat().map(([, name]) => name))];
      if (!names.length) return card('Learning curves', 'Neither run was trained here, or no step is written down.');
      const order = ['val_accuracy', 'val_loss', 'loss'], first = [query().get('curve'), ...order].find(name => names.includes(name)) ?? names[0];
      const choose = el('select', {'aria-label': 'Curve', onchange: () => { remember({curve: choose.value}); curves(); }}, names.map(name => el('option', {value: name, selected: name === first}, name.replaceAll('_', ' '))));
      const box = figureBox(about(pair, 'training'), () => curves());
      curves = () => box.isConnected && plot(box, known.map((of, i) => {
        const own = of.filter(([, name]) => name === choose.value).sort((a, b) => a[0] - b[0]);
        return {x: own.map(([step]) => step), y: own.map(([, , value]) => value), name: title(pair[i]), mode: own.length < 30 ? 'lines+markers' : 'lines', line: {width: 1.5, color: RUNS[i]}, marker: {size: 5}};
      }), {height: 280, showlegend: true, xaxis: {title: {text: 'step', standoff: 4}}, yaxis: {title: {text: choose.value.replaceAll('_', ' ')}}});
      return card('Learning curves', null, choose, box);
    }

    return {show};
  };
})();
