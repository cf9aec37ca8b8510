// The embedding map: a picture for each run in which a point is a labelled segment. What is pointed
// at or chosen in one picture is so in all; colours, legend and figures say how labels separate.
(() => {
  const {api, el, say, colour, clock, query, remember, percent, isTyping, figureFiles, loopFilm, NearStrip, Scatter} = window.Studio;
  const METHODS = {tsne: 't-SNE', umap: 'UMAP', pca: 'PCA'}, BY = {label: 'label', verb: 'verb', noun: 'noun', split: 'split'};
  const SPLITS = {train: '#4477aa', val: '#ccbb44', test: '#ee6677'};
  const FIGURES = [
    ['silhouette', 'silhouette', 'Silhouette of the labels by cosine, from −1 to 1: how much nearer a segment lies to its own label than to the next'],
    ['purity', '5-NN', 'Purity: which share of the 5 most similar segments of other videos (fewer where its label has fewer there) has the same label; neighbours of the same video do not count'],
    ['probe', 'probe', 'Linear probe: segments that a logistic regression trained on other videos has right'],
  ];
  const LATER = {
    pca: 'Segments that came after this map was made: projected by its axes, exactly', umap: 'Segments that came after this map was made: transformed by the same UMAP',
    tsne: 'Segments that came after this map was made. t-SNE cannot place one by itself: each lies at the mean of the places of its 5 nearest segments in the space of the embeddings, weighted by 1 / distance',
  };
  const signed = value => value.toFixed(2).replace(/^(-?)0/, '$1').replace('-', '−');
  const LISTED = 500, LINKED = 100, SENT = 2000;  // clips that are listed, that an address names, that Annotate is sent

  const build = (element, first) => {
    let context = first, unread = {verb: query().get('verb') || '', noun: query().get('noun') || ''}, data = null, pictures = [], asked = 0, chosen = new Set(), hidden = new Set((query().get('hidden') || '').split('\n').filter(Boolean)), played = -1, undo = [], by = query().get('colour') || 'label';
    const pick = (name, title, values, onchange) => el('select', {'aria-label': title, title, onchange}, Object.entries(values).map(([value, text]) => el('option', {value, selected: query().get(name) === value}, text)));
    const verb = pick('verb', 'Verb', {}, load), noun = pick('noun', 'Noun', {}, load), method = pick('method', 'Method', METHODS, load);
    const colours = el('select', {'aria-label': 'Colour by', title: 'Colour by', onchange: () => { by = colours.value; remember({colour: by}); hidden.clear(); conceal(); }});
    const number = (name, title, width) => el('input', {type: 'number', min: 0, max: 9999, 'aria-label': title, title, value: query().get(name) || '', style: `width:${width}px`, onchange: load});
    const seed = number('seed', 'Seed of UMAP; t-SNE and PCA have one result', 78), near = number('neighbours', 'Neighbours: perplexity of t-SNE, neighbours of UMAP; empty: by the number of points', 128);
    const all = el('input', {type: 'checkbox', onchange: load, checked: query().get('all') === '1'});
    seed.placeholder = 'seed 0'; near.placeholder = 'neighbours';
    const bar = el('div.st-row.ana-tools.map-bar', {}, verb, noun, method, near, seed, colours, el('label.st-small', {}, all, ' all splits'));
    const grid = el('div.map-grid'), note = el('div.map-note', {role: 'status', hidden: true}), legend = el('div.map-legend');
    const actions = el('div.st-row.ana-tools.map-actions');
    const tip = el('div.map-tip.st-card', {hidden: true});
    const beside = new NearStrip(point => play(point));
    element.append(el('div.map', {}, bar, note, grid, beside.element, actions, legend), tip);
    options(verb, 'all verbs', [], ''); options(noun, 'all nouns', [], '');
    colours.append(el('option', {value: by}, `colour: ${BY[by] ?? 'label'}`));
    let labels = [];
    api(`/api/projects/${context.project.id}/labels`).then(said => { labels = said.labels.filter(l => !l.archived); fillActions(); }).catch(() => {});
    document.addEventListener('keydown', e => { if (e.key === 'Escape' && element.isConnected && !element.hidden && !isTyping(e)) { beside.hide(); choose([]); } });
    window.addEventListener('gad-theme', () => data && paint());

    // ---- what is asked for ----------------------------------------------------------------------

    async function load({fresh} = {}) {
      const turn = ++asked, {runs} = context;
      tip.hidden = true;
      if (!runs.length) { data = null; grid.replaceChildren(); return tell('Choose a run above.'); }
      const wanted = {verb: verb.value || unread.verb, noun: noun.value || unread.noun, method: method.value, seed: method.value === 'umap' ? seed.value : '', neighbours: method.value === 'pca' ? '' : near.value};
      remember({...wanted, all: all.checked ? '1' : ''});
      const words = new URLSearchParams(Object.entries({...wanted, runs: runs.map(r => r.id).join(','), split: all.checked ? '' : context.split, fresh: fresh ? '1' : ''}).filter(([, value]) => value));
      // Where a map is there already, nothing flickers.
      const slow = setTimeout(() => tell('Laying out …'), 400);
      const linked = data ? null : (query().get('chosen') || '').split(',').filter(Boolean);
      const kept = new Set(linked ?? [...chosen].map(i => data.points.segment[i]));
      try {
        for (;;) {
          const said = await api(`/api/projects/${context.project.id}/map?${words}`, undefined, {quiet: true});
          if (turn !== asked) return;
          if (said.ready) { clearTimeout(slow); show(said, wanted, kept); if (linked?.length) choose([...chosen]); return; }
          clearTimeout(slow);
          tell(`${said.points.toLocaleString('en')} segments: ${said.job.message || 'waiting for the queue'}`, said.job);
          await new Promise(resolve => setTimeout(resolve, 1000));
          if (turn !== asked || !element.isConnected) return;
        }
      } catch (error) { if (turn === asked) { data = null; unread = {verb: '', noun: ''}; chosen.clear(); fillActions(); grid.replaceChildren(); legend.replaceChildren(); tell(error.message); } } finally { clearTimeout(slow); }
    }

    function tell(text, job) {
      note.hidden = !text;
      note.replaceChildren(text, ...(job?.total ? [el('progress', {max: job.total, value: job.done})] : []));
    }

    function show(said, wanted, kept) {
      data = said; unread = {verb: '', noun: ''};
      tell('');
      options(verb, 'all verbs', said.verbs, wanted.verb);
      options(noun, 'all nouns', said.nouns, wanted.noun);
      near.placeholder = `neighbours ${said.settings.perplexity ?? said.settings.neighbours ?? '–'}`;
      near.disabled = said.settings.method === 'pca'; seed.disabled = said.settings.method !== 'umap';
      colours.replaceChildren(...Object.entries({...BY, ...Object.fromEntries(context.runs.map(r => [`run:${r.id}`, `right or wrong: ${r.name}`]))})
        .map(([value, text]) => el('option', {value, selected: value === by}, `colour: ${text}`)));
      by = colours.value;
      pictures = said.runs.map((run, k) => pictures[k] || picture());
      pictures.length = said.runs.length;
      grid.style.setProperty('--columns', said.runs.length === 4 ? 2 : said.runs.length);
      grid.replaceChildren(...pictures.map(p => p.card));
      said.runs.forEach((run, k) => pictures[k].fill(run));
      chosen = new Set(said.points.segment.flatMap((id, i) => kept.has(id) ? [i] : []));
      const clips = said.points.start_us.map((start_us, i) => [said.videos[said.points.video[i]].id, start_us, said.points.end_us[i]].join(','));
      played = clips.indexOf(query().get('clip'));
      beside.hide();
      paint();
      mark(-1);
      fillActions();
    }

    function options(select, text, words, now) {
      select.replaceChildren(el('option', {value: ''}, text), ...words.map(([word, count]) => el('option', {value: word, selected: word === now}, `${word} (${count})`)));
    }

    // ---- pictures -------------------------------------------------------------------------------

    function picture() {
      const title = el('h2'), about = el('span.st-dim.st-small'), figures = el('div.map-figures'), came = el('div.map-came.st-dim', {hidden: true});
      const scatter = new Scatter('Segments by where the run puts them', {
        onHover: (point, event) => { mark(point); hover(point, event); }, onClick: i => { play(i); showNear(pictures.findIndex(p => p.scatter === scatter), i); }, onLasso: choose,
      });
      const files = figureFiles(() => data && {title: `Segments by ${METHODS[data.settings.method]}`, about: `${title.textContent} · ${all.checked ? 'all splits' : context.split}`,
        ...scatter.drawing(), legend: painted.filter(name => !hidden.has(name)).map(name => [ink(name), name])});
      const card = el('div.st-card.map-card', {}, el('div.map-head', {}, title, about, files), came, scatter.element, figures);
      return {card, scatter, fill: run => {
        const shown = context.runs.find(r => r.id === run.id);
        title.replaceChildren(el('b.st-mark', {}, shown?.mark ?? ''), ` ${run.name}`);
        about.textContent = run.explained ? `${run.explained.map(share => share.toFixed(0)).join(' + ')} % of the variance` : `${run.x.length.toLocaleString('en')} segments`;
        figures.replaceChildren(...FIGURES.map(([key, name, what]) => figure(key, name, what, run.figures)));
        came.hidden = !run.later.length;
        came.replaceChildren(el('span.map-later', {title: LATER[data.settings.method]}, `${run.later.length.toLocaleString('en')} placed later (hollow)`),
          el('button.st-quiet', {title: 'Lay all segments out anew', onclick: () => load({fresh: true})}, 'New map'));
        scatter.set(run.x, run.y, run.later);
      }};
    }

    function figure(key, name, what, figures) {
      const {value, low, high} = figures[key], say = key === 'silhouette' ? signed : v => v.toFixed(v < 100 ? 1 : 0);
      const alone = key !== 'silhouette' && figures.alone ? `; ${figures.alone} segments whose label no other video has are left out` : '';
      return el('div', {title: `${what}${alone}. In the space of the embeddings, 95 % interval over videos.`, 'data-figure': key},
        el('span.st-dim', {}, name), el('b', {}, value === null ? '–' : key === 'silhouette' ? signed(value) : `${percent(figures[key])} %`),
        el('span.st-dim.map-interval', {}, low === null ? '' : `${say(low)} to ${say(high)}`));
    }

    const each = f => pictures.forEach(p => f(p.scatter));
    // What is pointed at, else what was played last.
    function mark(point) { each(scatter => scatter.mark(point < 0 ? played : point)); }

    // What a point is under the present colouring.
    function classOf(i) {
      const {points, names, words, videos, runs} = data;
      if (by === 'label') return names[points.label[i]];
      if (by === 'verb') return words[points.label[i]][0];
      if (by === 'noun') return words[points.label[i]][1];
      if (by === 'split') return videos[points.video[i]].split;
      return runs.find(run => `run:${run.id}` === by).right[i] ? 'right' : 'wrong';
    }

    function ink(name) {
      if (by === 'split') return SPLITS[name];
      if (by.startsWith('run:')) return getComputedStyle(document.body).getPropertyValue(name === 'wrong' ? '--bad' : '--dim').trim();
      return colour(name);
    }

    let painted = [];
    function paint() {
      if (!data) return;
      const n = data.points.label.length, counts = new Map(), of = Array.from({length: n}, (_, i) => classOf(i));
      for (const name of of) counts.set(name, (counts.get(name) || 0) + 1);
      const classes = [...counts.keys()].sort(), number = new Map(classes.map((name, c) => [name, c]));
      painted = classes;
      const shown = Uint8Array.from(of, name => hidden.has(name) ? 0 : 1);
      each(scatter => { scatter.paint(Uint16Array.from(of, name => number.get(name)), classes.map(ink), shown); scatter.choose(chosen); });
      legend.replaceChildren(...classes.map(name => el('button', {'aria-pressed': String(!hidden.has(name)), title: 'Show or hide', onclick: () => {
        if (!hidden.delete(name)) hidden.add(name);
        conceal();
      }}, el('i.cmp-swatch', {style: `background:${ink(name)}`}), name, el('span.st-dim', {}, ` ${counts.get(name)}`))));
      if (hidden.size) legend.append(el('button.st-quiet', {onclick: () => { hidden.clear(); conceal(); }}, 'show all'));
    }

    function conceal() { remember({hidden: [...hidden].join('\n')}); paint(); }

    // ---- a point ----------------------------------------------------------------------------------

    const clip = i => {
      const {points, videos} = data, video = videos[points.video[i]];
      return {video: video.id, name: video.name, start_us: points.start_us[i], end_us: points.end_us[i], segment: points.segment[i], label: data.names[points.label[i]], split: video.split};
    };

    function play(i) { const {video, start_us, end_us} = clip(i); played = i; mark(i); context.play(video, start_us, end_us); }

    const lengthOf = video => context.videos.find(v => v.id === video)?.duration_us;

    // The nearest segments where the run's embeddings are, as the route gives them.
    function showNear(k, i) {
      const run = data.runs[k];
      beside.show(`${context.runs[k]?.mark ?? ''} ${run.name}`, clip(i), run.near[i].map((point, n) => ({point, cosine: run.alike[i][n], clip: clip(point)})), lengthOf);
    }

    let pointed = -1, waiting = 0;
    function hover(i, event) {
      if (i !== pointed) {
        pointed = i;
        clearTimeout(waiting);
        tip.hidden = i < 0;
        if (i < 0) return;
        const {video, name, start_us, end_us, label} = clip(i), film = el('div.map-film', {hidden: true});
        tip.replaceChildren(film, el('div.map-says', {}, el('i.cmp-swatch', {style: `background:${colour(label)}`}), el('b', {}, label)),
          ...data.runs.map((run, k) => el(`div.map-says${run.right[i] ? '' : '.wrong'}`, {}, el('b.st-mark', {}, context.runs[k]?.mark ?? ''), `→ ${data.names[run.said[i]]}`)),
          el('div.st-dim.st-small', {}, `${name.split('/').pop()} · ${clock(start_us)} – ${clock(end_us)}`));
        // A pointer that only passes by asks for no pictures.
        waiting = setTimeout(() => { if (pointed === i) loopFilm(film, clip(i), lengthOf(video), 216, () => pointed === i && !tip.hidden); }, 150);
      }
      if (i < 0) return;
      const {innerWidth, innerHeight} = window;
      tip.style.left = `${event.clientX + 16 + 240 > innerWidth ? event.clientX - 252 : event.clientX + 16}px`;
      tip.style.top = `${Math.max(60, Math.min(event.clientY + 16, innerHeight - tip.offsetHeight - 36))}px`;
    }

    // ---- what is chosen -----------------------------------------------------------------------------

    function choose(points) {
      if (!points.length && !chosen.size) return;
      chosen = new Set(points);
      each(scatter => scatter.choose(chosen));
      fillActions();
      const more = chosen.size > LISTED ? `, the first ${LISTED} of them` : '';
      context.clips?.(chosen.size ? `${chosen.size.toLocaleString('en')} chosen${more}` : 'Nothing chosen', points.slice(0, LISTED).map(clip),
        points.length && points.length <= LINKED ? {chosen: points.map(i => data.points.segment[i]).join(',')} : {});
    }

    function fillActions() {
      const target = el('select', {'aria-label': 'New label'}, labels.map(label => el('option', {value: String(label.id)}, label.name)));
      const word = count => `${count.toLocaleString('en')} segment${count === 1 ? '' : 's'}`;
      const last = undo[undo.length - 1];
      actions.replaceChildren(...(chosen.size ? [
        el('b', {}, word(chosen.size)), el('span', {}, 'relabel to'), target,
        el('button.main', {onclick: event => relabel(Number(target.value), event.target)}, 'Relabel'),
        el('button', {onclick: download}, 'Save as CSV'),
        el('button', {title: 'Work through them in Annotate, one after the other (Q)', onclick: toQueue}, 'To the labelling queue'),
        el('button.st-quiet', {onclick: () => choose([])}, 'Clear'),
      ] : [el('span.st-dim.st-small', {}, 'Click plays a segment. Shift-drag chooses some. Wheel and drag move the picture, a double click fits it.')]), ...(last ? [el('button', {onclick: event => back(event.target)}, `Undo: ${word(last.count)} relabelled`)] : []));
    }

    async function relabel(label, button) {
      button.disabled = true;
      const byVideo = new Map();
      for (const i of chosen) {
        const {video, segment} = clip(i);
        if (!byVideo.has(video)) byVideo.set(video, new Set());
        byVideo.get(video).add(segment);
      }
      let done;
      try { done = await window.Studio.relabel(byVideo, label); } catch (error) { done = error.done || []; }
      const count = done.reduce((sum, each) => sum + each.before.length, 0);
      if (count) undo.push({done, count});
      say(count ? `${count} relabelled.` : 'Nothing was relabelled.');
      await changed();
    }

    async function back(button) {
      button.disabled = true;
      const last = undo[undo.length - 1];
      try { await window.Studio.unlabel(last.done); say('Undone.'); } catch { /* said already */ }
      // What is refused once, because it was changed since, is refused again.
      undo.pop();
      await changed();
    }

    function changed() { window.dispatchEvent(new Event('gad-data')); fillActions(); return load(); }

    function download() {
      // A leading = + - @ would be a formula where a table is opened.
      const cell = value => `"${String(value).replace(/^[=+\-@\t]/, "'$&").replaceAll('"', '""')}"`;
      const rows = [...chosen].map(i => { const c = clip(i); return [c.name, c.start_us / 1e6, c.end_us / 1e6, c.label, c.split, c.segment, ...data.runs.map(run => data.names[run.said[i]])]; });
      const text = [['video', 'start', 'end', 'label', 'split', 'segment', ...data.runs.map(run => run.name)], ...rows].map(row => row.map(cell).join(',')).join('\r\n');
      const url = URL.createObjectURL(new Blob([`${text}\r\n`], {type: 'text/csv'}));
      el('a', {href: url, download: 'segments.csv'}).click();
      setTimeout(() => URL.revokeObjectURL(url), 1000);
    }

    function toQueue() {
      const clips = [...chosen].slice(0, SENT).map(clip), [{video, start_us}] = clips;
      sessionStorage.setItem(`gad-chosen-${context.project.id}`, JSON.stringify(clips));
      location.href = `/annotate?project=${context.project.id}&video=${video}&t=${(start_us / 1e6).toFixed(2)}&list=chosen`;
    }

    element.map = {scatters: () => pictures.map(p => p.scatter), data: () => data, chosen: () => [...chosen], marked: () => pictures.map(p => p.scatter.marked)};
    return {update: now => { context = now; return load(); }};
  };

  (window.Studio.analysePanels ||= {}).map = {title: 'Map', build};
})();
