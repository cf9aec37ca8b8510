// Analyse: chosen runs and a split above, a panel below, and at the right the clip that was clicked.
// A panel is `Studio.analysePanels.<id> = {title, build(element, context) → {update(context)}}`,
// registered by its own script; update() may return a promise.
(() => {
  const {api, el, query, remember, project, Player, clock, percent, spread, reelMaker, reportChooser} = window.Studio;
  const panels = window.Studio.analysePanels ||= {};
  const MAX_RUNS = 4, ORDER = ['map', 'confusion', 'errors', 'labels'], SPLITS = ['test', 'val', 'train'];
  // What the address says of the one list of clips that is open.
  const LISTS = {cell: null, only: null, chosen: null};
  const base = name => name.split('/').pop().replace(/\.\w+$/, '');
  const ends = clip => `${clock(clip.start_us)} – ${clock(clip.end_us)}`;

  window.Studio.pages.analyse = async root => {
    const chips = el('span.st-row.ana-chips');
    const split = el('select', {'aria-label': 'Split', onchange: () => { context.split = split.value; changed(); }});
    const tabs = el('div.ana-tabs', {role: 'tablist', 'aria-label': 'Panels'});
    const body = el('div.ana-body');
    const empty = el('div.st-empty.st-card', {hidden: true});
    const player = new Player(() => {});
    const title = el('div.ana-clip', {'aria-live': 'polite'}, el('span.st-dim', {}, 'What is clicked plays here.'));
    const again = el('button.st-quiet', {hidden: true, onclick: () => shown && player.playSpan(...shown)}, 'Again');
    const toAnnotate = el('a.st-small', {hidden: true}, 'Annotate');
    const reel = reelMaker(() => context), report = reportChooser(() => context);
    const listTitle = el('h2', {hidden: true}), list = el('ul.st-list.ana-clips', {hidden: true, tabindex: 0});
    const side = el('aside.st-card.ana-side', {'aria-label': 'Clip'}, player.element,
      el('div.st-row.ana-cliprow', {}, title, el('span.st-space'), again, toAnnotate),
      el('div.st-row.ana-listhead', {}, listTitle, el('span.st-space'), reel.element), list);
    const work = el('div.ana-work', {}, el('div.st-row.ana-bar', {}, tabs, el('span.st-space'), chips, split, report),
      el('div.ana-main', {}, body, side));
    root.replaceChildren(empty, work);

    const {current} = await project();
    if (!current) return nothing('There is no project yet.', 'Add a folder', '/');
    const [videos, all, {labels}] = await Promise.all(['videos', 'runs', 'labels'].map(what => api(`/api/projects/${current.id}/${what}`)));
    window.Studio.knowLabels(labels);
    if (!labels.length) return nothing('There are no labels yet.', 'To the library', '/');
    const ready = all.filter(run => run.state === 'ready');
    const asked = (query().get('runs') || '').split(',').map(Number);
    const wanted = ready.filter(run => asked.includes(run.id)).sort((a, b) => asked.indexOf(a.id) - asked.indexOf(b.id));
    const context = {
      project: current, videos, play, clips, split: SPLITS.find(s => s === query().get('split')) || 'test',
      runs: sameTask(wanted.length ? wanted : newestOfEach(ready)).slice(0, MAX_RUNS),
    };
    split.append(...SPLITS.map(s => el('option', {value: s, selected: s === context.split}, s)));
    const known = [...ORDER.filter(id => panels[id]), ...Object.keys(panels).filter(id => !ORDER.includes(id))];
    const built = {};
    let now = known.includes(query().get('panel')) ? query().get('panel') : known[0], shown = null, opened = null;
    fillTabs();
    changed();
    const linked = (query().get('clip') || '').split(',').map(Number);
    if (linked.length === 3 && videos.some(v => v.id === linked[0])) present(...linked);

    function nothing(text, action, href) {
      work.hidden = true; empty.hidden = false;
      empty.replaceChildren(el('p', {}, text), el('button.main', {onclick: () => { location.href = href; }}, action));
    }

    function newestOfEach(runs) {
      return ['generative', 'discriminative', 'gad'].map(kind => runs.find(r => r.classifier === kind)).filter(Boolean);
    }
    function sameTask(runs) { return runs.filter(run => run.task === runs[0].task); }

    function fillTabs() {
      tabs.replaceChildren(...known.map(id => el('button', {
        role: 'tab', id: `tab-${id}`, 'aria-controls': `panel-${id}`, 'aria-selected': String(id === now), tabindex: id === now ? 0 : -1, onclick: () => go(id),
        onkeydown: e => {
          const step = {ArrowRight: 1, ArrowLeft: -1}[e.key];
          if (!step) return;
          go(known[(known.indexOf(id) + step + known.length) % known.length]);
          tabs.querySelector('[aria-selected=true]').focus();
        },
      }, panels[id].title)));
    }

    function go(id) { now = id; fillTabs(); changed(); }

    // Only the panel that is seen is told; the others learn of it when they are opened.
    function changed() {
      remember({project: current.id, runs: context.runs.map(r => r.id).join(','), split: context.split, panel: now});
      fillChips();
      report.disabled = !context.runs.length;
      if (!now) return;
      if (!built[now]) {
        const element = el('section.ana-panel', {id: `panel-${now}`, role: 'tabpanel', 'aria-labelledby': `tab-${now}`});
        body.append(element);
        built[now] = {element, panel: panels[now].build(element, context)};
      }
      for (const [id, {element}] of Object.entries(built)) element.hidden = id !== now;
      window.dispatchEvent(new Event('resize'));
      built[now].panel.update(context);
    }

    function fillChips() {
      const {runs} = context;
      chips.replaceChildren(...runs.map(run => {
        const figures = run.metrics[context.split], accuracy = figures && (figures.frame_accuracy || figures.top1);
        return el('span.cmp-chip', {title: accuracy ? `${run.name}: ${figures.frame_accuracy ? 'frame accuracy' : 'top-1'} ${spread(accuracy)}` : run.name},
          el('b.st-mark', {}, run.mark), ` ${run.name}`, accuracy ? el('span.st-dim', {}, ` ${percent(accuracy)} %`) : null,
          el('button.st-quiet', {'aria-label': `Remove ${run.name}`, onclick: () => choose(runs.filter(r => r !== run))}, '×'));
      }));
      // Only runs of one task can be laid beside each other.
      const others = ready.filter(r => !runs.includes(r) && (!runs.length || r.task === runs[0].task));
      if (others.length && runs.length < MAX_RUNS) {
        const add = el('select', {'aria-label': 'Add a run', onchange: () => choose([...runs, ready.find(r => r.id === Number(add.value))])},
          el('option', {value: ''}, '+'), others.map(r => el('option', {value: String(r.id)}, `${r.mark} ${r.name}`)));
        chips.append(add);
      }
      if (!ready.length) chips.append(el('a', {href: '/train'}, 'No trained run yet: fine-tune one'));
    }
    function choose(runs) { context.runs = runs; changed(); }

    // Stand at the start of a clip of a video, given by its id.
    async function present(video, start_us, end_us) {
      shown = [start_us, end_us];
      remember({clip: [video, start_us, end_us].join(',')});
      if (opened !== video) {
        opened = video;
        const {video: found} = await api(`/api/videos/${video}?segments=false`);
        if (opened !== video) return;
        await player.open(found, start_us);
      }
      const name = videos.find(v => v.id === video)?.name ?? '';
      title.replaceChildren(el('span.ana-name', {title: name}, base(name)), el('span.st-dim.st-small', {}, ends({start_us, end_us})));
      again.hidden = toAnnotate.hidden = false;
      toAnnotate.href = `/annotate?video=${video}&t=${(start_us / 1e6).toFixed(2)}`;
    }

    // Play exactly [start_us, end_us] of it.
    async function play(...clip) { await present(...clip); player.playSpan(...shown); }

    // List clips [{video, name, start_us, end_us, frames}] under the player; each plays by a click.
    // `link` is what the address has to say for the same list to be opened again.
    function clips(heading, found, link = {}) {
      remember({...LISTS, ...link});
      const now = query().get('clip');
      listTitle.hidden = list.hidden = false;
      listTitle.textContent = heading;
      reel.of(found);
      list.replaceChildren(...found.map(clip => {
        const start = () => { list.querySelector('[aria-current]')?.removeAttribute('aria-current'); item.setAttribute('aria-current', 'true'); return play(clip.video, clip.start_us, clip.end_us); };
        const item = el('li', {tabindex: 0, role: 'button', 'aria-current': `${clip.video},${clip.start_us},${clip.end_us}` === now ? 'true' : null, onclick: start, onkeydown: e => { if (e.key === 'Enter') start(); }},
          el('span.ana-name', {title: clip.name}, base(clip.name)), el('span.st-dim', {}, ends(clip)));
        return item;
      }));
      if (!found.length) list.append(el('li.st-dim', {}, 'No clip.'));
    }
  };
})();
