// The form of a fine-tune: what is trained on what, what is wrong with the data, and the click.
(() => {
  const {api, el, say} = window.Studio, train = window.Studio.train ||= {};
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

  // `started(job)` hears of the first job that was queued.
  train.form = (current, started) => {
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
    const element = el('section.st-card.tr-form', {'aria-label': 'Fine-tune'}, el('h1', {}, 'Fine-tune'),
      field('data', summary), field('task', task), field('backbone', backbone, folder, about, more), field('classifier', picks),
      el('details', {}, el('summary.st-dim', {}, 'Advanced'), field('steps', steps), field('seed', seed), field('label as', codec), field('decoder', decoder), field('context', context)),
      el('div.st-row', {}, one, three), el('p.st-small.st-dim', {}, 'Two real steps are measured first; then memory and time are known.'), notes);

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
      const classifier = element.querySelector('input[name=classifier]:checked').value;
      const settings = {classifier, task: task.value, backbone: base(), codec: codec.value, decoder: decoder.value, context: context.value,
        training: {steps: Number(steps.value), seed: Number(seed.value)}};
      if (all) delete settings.classifier;
      try {
        const made = await api(`/api/projects/${current.id}/fine-tune`, {settings, all});
        say(all ? 'Three fine-tunes are queued.' : 'The fine-tune is queued. It goes on if you close this tab.', 'good');
        await started(made[0].job);
      } catch { /* the sentence was shown */ }
      one.disabled = three.disabled = false;
    }

    return {element, start: () => { look(); if (!own) offer(); }};
  };
})();
