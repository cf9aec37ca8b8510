// Labels: before training, what the labels share as the tokens that a model writes; afterwards,
// whether runs mix what was to be mixed.
(() => {
  const {el, analysis} = window.Studio;
  const {figures, effectsOf, named, short, about, number, within, RUNS, figureBox, dots, table, card, path} = analysis;
  const PREDICTED = {prefix: 'common beginning', tokens: 'common tokens', frequency: 'baseline: how frequent both are', spelling: 'baseline: how alike spelled'};
  const OPEN = 8;  // branches that are unfolded at once

  window.Studio.analysePanels.labels = {title: 'Labels', build(element, context) {
    let check = null, effects = null;
    const note = el('p.ana-note', {role: 'status'}), grid = el('div.ana-grid');
    element.append(note, grid);
    window.addEventListener('gad-theme', () => draw());

    async function update(now) {
      context = now;
      const asked = path(context);
      note.hidden = false;
      note.textContent = 'Writing the labels as tokens …';
      effects = null;
      check = await figures(`/api/projects/${context.project.id}/analysis/label-check`).catch(error => ({error: error.message}));
      note.hidden = !check.error; note.textContent = check.error ?? '';
      draw();
      if (!context.runs.length) return;
      await effectsOf(asked, check.overlap?.labels ?? 0, answer => { if (asked === path(context)) { effects = answer; draw(); } });
    }

    function draw() {
      if (!check || element.hidden) return;
      const scroll = element.scrollTop;
      grid.replaceChildren(...(check.error ? [] : [overlap(), tree(), likely(), rename()].filter(Boolean)), ...actual());
      element.scrollTop = scroll;
    }

    function overlap() {
      const {overlap: o} = check, verbs = Object.entries(o.per_verb);
      return card('What the labels share', `As the tokenizer of ${check.backbone} writes them. A generative model tells labels apart only by what they do not share.`,
        table(['', ''], [
          ['labels', String(o.labels)], ['tokens of a label, mean (longest)', `${number(o.tokens_mean)} (${o.tokens_max})`],
          ['different tokens', String(o.distinct_tokens)], ['different first tokens', String(o.first_tokens)],
          ['tokens that another label has too', `${number(o.shared_occurrences, 1)} %`], ['labels made of such tokens alone', `${number(o.labels_all_shared, 1)} %`],
          ['nodes of the tree', String(o.trie_nodes)], ['labels that begin another', String(o.prefix_labels)]]),
        el('p.st-dim.st-small', {}, `First words: ${verbs.slice(0, 8).map(([verb, count]) => `${verb} ${count}`).join(', ')}${verbs.length > 8 ? ` and ${verbs.length - 8} more` : ''}.`));
    }

    // The tree of beginnings: what is written, and how many labels go on from there.
    function grow() {
      const root = {below: new Map(), labels: 0, ends: []};
      for (const [label, tokens] of Object.entries(check.tokens)) {
        let node = root;
        for (const [id, piece] of tokens) {
          if (!node.below.has(id)) node.below.set(id, {piece, below: new Map(), labels: 0, ends: []});
          node = node.below.get(id);
          node.labels++;
        }
        node.ends.push(label);
      }
      return root;
    }

    function branch(node, open) {
      // A way without a fork is one line.
      let text = node.piece, last = node;
      while (last.below.size === 1 && !last.ends.length) { last = [...last.below.values()][0]; text += `·${last.piece.replace(/^ /, ' ')}`; }
      const end = last.ends.length ? el('b', {}, last.ends[0]) : null;
      const word = el('span.ana-piece', {}, text.trim());
      if (!last.below.size) return el('li', {}, word, ' ', end);
      const below = [...last.below.values()].sort((a, b) => b.labels - a.labels || a.piece.localeCompare(b.piece));
      const list = el('ul');
      const details = el('details', {open, ontoggle: () => { if (details.open && !list.childElementCount) list.append(...below.map(each => branch(each, false))); }},
        el('summary', {}, word, el('span.st-dim.st-small', {}, ` ${last.labels} labels`), end ? [' ', end] : null), list);
      if (open) list.append(...below.map(each => branch(each, false)));
      return el('li', {}, details);
    }

    function tree() {
      const first = [...grow().below.values()].sort((a, b) => b.labels - a.labels || a.piece.localeCompare(b.piece));
      return card('The tree of labels', 'Read from left to right, as a model writes: at every fork it has to choose. A dot parts tokens.',
        el('ul.ana-tree', {}, first.map((node, i) => branch(node, i < OPEN && node.labels > 1))));
    }

    function likely() {
      const {pairs} = check.overlap;
      return card('Pairs prone to be mixed', pairs.length ? 'The longest common beginnings first.' : 'No two labels begin with the same token.',
        pairs.length ? el('div.ana-scroll', {}, table(['label', 'label', 'common beginning, tokens', 'common tokens', '% of both'], pairs.map(pair => [pair.a, pair.b, String(pair.shared_prefix), String(pair.shared_tokens), number(pair.prefix_share, 0)]))) : null);
    }

    // Only what a rule can say: the same labels with the word that differs first.
    function rename() {
      const other = check.noun_first;
      const renamed = other ? Object.entries(other.names).filter(([name, turned]) => name !== turned) : [];
      if (!renamed.length) return null;
      const was = check.overlap, now = other.overlap, depth = overlap => overlap.pairs[0]?.shared_prefix ?? 0;
      const sooner = now.first_tokens > was.first_tokens, later = depth(now) > depth(was);
      return card('Would labels part sooner with the noun first?', `“${renamed[0][0]}” as “${renamed[0][1]}”: the same words, so the same tokens are shared, but a model chooses earlier or later.`,
        table(['', 'as they are', 'noun first'], [['different first tokens', String(was.first_tokens), String(now.first_tokens)], ['nodes of the tree', String(was.trie_nodes), String(now.trie_nodes)], ['labels that begin another', String(was.prefix_labels), String(now.prefix_labels)],
          ['longest common beginning, tokens', String(depth(was)), String(depth(now))]]),
        el('p.st-small', {}, !sooner ? 'No: leave the names as they are.' : later ? 'Some sooner, but others later: more labels differ in their first token, while those with the same noun begin alike for longer.'
          : 'Yes: more labels differ in their first token, and none begin alike for longer. Rename them in the Library under Labels.'));
    }

    function actual() {
      const title = 'Predicted and actual confusions';
      if (!context.runs.length) return [card(title, 'After training, choose a run above to see whether it mixes what was to be mixed.')];
      if (!effects) return [card(title, 'Comparing all pairs …')];
      if (effects.error) return [card(title, effects.error)];
      const mark = name => named(context, name), brief = name => short(context, name);
      const rows = Object.entries(PREDICTED).flatMap(([key, name]) => effects.runs.map((run, i) => ({...run.of_pairs[key], name: `${name} · ${brief(run.run)}`, colour: RUNS[i]})));
      const known = rows.filter(row => row.value !== null), labels = effects.classes.length;
      const drawn = () => figureBox(about(context.runs, context.split), box => dots(box, known, 'rank correlation', {shapes: [{type: 'line', x0: 0, x1: 0, yref: 'paper', y0: 0, y1: 1, line: {width: 1, color: '#888'}}]}));
      return [card(title, `Over all ${labels * (labels - 1) / 2} pairs of the ${labels} labels that occur in the split “${context.split}”. Mixed: the share of both labels’ rows that were answered with the other. Intervals of 95 % over videos.`, known.length ? drawn() : el('p.st-dim', {}, 'No label was taken for another.'),
        table(['predicted by', ...effects.runs.map(run => brief(run.run))], Object.entries(PREDICTED).map(([key, name]) => [name, ...effects.runs.map(run => within(run.of_pairs[key], 2))]))),
      card('The pairs themselves', 'Those that begin most alike, and those that the runs mix most.',
        el('div.ana-scroll', {}, table(['pair', 'common beginning, %', 'common tokens, %', ...effects.runs.map(run => `mixed by ${brief(run.run)}, %`)],
          effects.pairs.map(pair => [`${pair.a} · ${pair.b}`, number(pair.prefix, 0), number(pair.tokens, 0), ...pair.mixed.map(value => number(value, 1))]))))];
    }

    return {update};
  }};
})();
