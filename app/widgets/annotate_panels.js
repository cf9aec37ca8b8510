// The panels beside the player: the labels with their keys and type-ahead, and the chosen segment.
(() => {
  const {el, clock} = window.Studio;
  const SHOWN = 200;

  // Names that hold every word typed, those that begin with it first.
  const ranked = (labels, text) => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length) return labels;
    return labels.map(label => [label, label.name.toLowerCase()]).filter(([, name]) => words.every(word => name.includes(word)))
      .map(([label, name]) => [label, name === words.join(' ') ? 0 : name.startsWith(words[0]) ? 1 : name.split(' ').some(part => part.startsWith(words[0])) ? 2 : 3])
      .sort((a, b) => a[1] - b[1]).map(([label]) => label);
  };

  window.Studio.LabelPanel = class {
    // add(name) makes a label and returns its id; held(key) is what the editor itself does by a key, else null.
    constructor(ed, {add, held}) {
      this.ed = ed; this.add = add; this.held = held; this.place = 0; this.then = null;
      this.search = el('input', {type: 'search', placeholder: 'Label … ( / )', 'aria-label': 'Search labels', autocomplete: 'off', spellcheck: false,
        oninput: () => { this.place = 0; this.fill(); }, onkeydown: e => this.typed(e), onblur: () => setTimeout(() => { this.then = null; }, 300)});
      this.list = el('div.an-labels', {role: 'listbox', 'aria-label': 'Labels'});
      this.hint = el('p.st-small.st-dim.an-hint', {hidden: true});
      this.element = el('section.an-labelbox', {}, this.search, this.hint, this.list);
    }

    get labels() { return [...this.ed.doc.labels.values()].filter(label => !label.archived); }

    // Keys of labels: their own, and digits for the first ten that have none.
    keys() {
      const keys = new Map(), {labels} = this;
      for (const label of labels) if (label.hotkey && !this.held(label.hotkey)) keys.set(label.hotkey, label.id);
      const free = [...'1234567890'].filter(digit => !keys.has(digit) && !this.held(digit));
      for (const label of labels.filter(l => !l.hotkey).slice(0, free.length)) keys.set(free.shift(), label.id);
      return keys;
    }

    // The key that reaches a label; struck out where the editor itself has it.
    key(label, key) {
      if (key) return el('kbd', {}, window.Studio.keyShown(key));
      const what = label.hotkey && this.held(label.hotkey);
      return what ? el('kbd.an-held', {title: `This key is the editor’s: ${what}. Give one of the two another key.`}, window.Studio.keyShown(label.hotkey)) : null;
    }

    focus(then = null, hint = '') {
      this.then = then;
      this.hint.hidden = !hint; this.hint.textContent = hint;
      this.search.value = ''; this.place = 0; this.fill();
      this.search.focus();
    }

    fill() {
      const keys = new Map([...this.keys()].map(([key, id]) => [id, key])), found = ranked(this.labels, this.search.value), typing = this.search.value.trim();
      const chosen = new Set(this.ed.chosen.map(row => row.label_id)), recorded = this.ed.recording;
      this.found = found;
      const rows = found.slice(0, SHOWN).map((label, n) => el(`div.an-label${label.id === this.ed.activeLabel ? '.active' : ''}${chosen.has(label.id) ? '.chosen' : ''}${typing && n === this.place ? '.first' : ''}`,
        {role: 'option', 'aria-selected': label.id === this.ed.activeLabel ? 'true' : 'false', onmousedown: e => { e.preventDefault(); this.take(label.id); }},
        el('i', {style: `background:${this.ed.colourOf({label_id: label.id})}`}), el('span', {}, label.name), recorded.has(label.id) ? el('b.an-rec', {}, '●') : null, this.key(label, keys.get(label.id))));
      if (found.length > SHOWN) rows.push(el('p.st-small.st-dim', {}, `${found.length - SHOWN} more: type to find them.`));
      if (typing && !found.some(label => label.name.toLowerCase() === typing.toLowerCase())) {
        rows.push(el('button.st-quiet.an-new', {onmousedown: e => { e.preventDefault(); this.make(typing); }}, `New label “${typing}”`));
      }
      this.list.replaceChildren(...rows);
      this.list.querySelector('.first')?.scrollIntoView({block: 'nearest'});
    }

    async make(name) {
      const id = await this.add(name);
      if (id) this.take(id);
    }

    take(id) {
      const {then} = this;
      this.then = null; this.hint.hidden = true;
      this.search.value = ''; this.search.blur();
      if (then) { this.ed.activeLabel = id; then(id); } else this.ed.label(id);
      this.fill();
    }

    typed(e) {
      const typing = this.search.value.trim();
      if (e.key === 'ArrowDown' || e.key === 'ArrowUp') { this.place = Math.min(Math.max(0, this.place + (e.key === 'ArrowDown' ? 1 : -1)), Math.max(0, this.found.length - 1)); this.fill(); e.preventDefault(); }
      else if (e.key === 'Escape') { this.search.value = ''; this.hint.hidden = true; this.search.blur(); this.fill(); e.preventDefault(); }
      else if (e.key === 'Enter') {
        e.preventDefault();
        if (this.found[this.place]) this.take(this.found[this.place].id);
        else if (typing) this.make(typing);
      }
    }
  };

  // '1:02.345', '62.345' or '#1550' (a frame).
  window.Studio.timeOf = (text, frames) => {
    const said = text.trim().replace(',', '.');
    const frame = said.match(/^#\s*(\d+)$/);
    if (frame) return frames.start(Math.min(Number(frame[1]), frames.count));
    if (!/^(\d+:)?(\d+:)?\d+(\.\d+)?$/.test(said)) return null;
    return Math.round(said.split(':').reduce((sum, part) => sum * 60 + Number(part), 0) * 1e6);
  };
  const exact = us => `${Math.floor(us / 6e7)}:${(us / 1e6 % 60).toFixed(3).padStart(6, '0')}`;
  window.Studio.exactTime = exact;

  window.Studio.SegmentPanel = class {
    constructor(ed, {history}) {
      this.ed = ed; this.history = history;
      this.element = el('section.an-segment');
    }

    // Nothing is rebuilt under the fingers of somebody who types here.
    fill() {
      if (this.element.contains(document.activeElement) && /INPUT|TEXTAREA|SELECT/.test(document.activeElement.tagName) && this.shown === [...this.ed.selected].join()) return;
      const rows = this.ed.chosen;
      this.shown = [...this.ed.selected].join();
      this.element.replaceChildren(...(rows.length === 0 ? this.nothing() : rows.length === 1 ? this.one(rows[0]) : this.several(rows)));
    }

    nothing() {
      const {ed} = this, {into, out} = ed.marks, active = ed.doc.labels.get(ed.activeLabel);
      if (ed.proposal) return [el('h2', {}, 'Proposal'), el('p', {}, this.swatch(ed.proposal), ed.proposal.label), el('p.st-small.st-dim', {}, `${clock(ed.proposal.start_us)} – ${clock(ed.proposal.end_us)} · confidence ${ed.proposal.confidence.toFixed(2)}`),
        el('div.st-row', {}, el('button', {onclick: () => ed.accept()}, 'Accept ', el('kbd', {}, 'A')), el('button', {onclick: () => ed.reject()}, 'Reject ', el('kbd', {}, 'X')))];
      return [el('h2', {}, 'No segment chosen'),
        el('p.st-small.st-dim', {}, active ? ['Active label: ', this.swatch({label_id: active.id}), active.name] : 'Choose a label: its key, or / and its name.'),
        el('p.st-small.st-dim', {}, into !== null || out !== null ? `In ${into === null ? '–' : exact(into)} · out ${out === null ? '–' : exact(out)}` : 'I and O mark in and out, Enter makes the segment; or play and press a label’s key.')];
    }

    swatch(row) { return el('i.an-swatch', {style: `background:${this.ed.colourOf(row)}`}); }

    one(row) {
      const {ed} = this, {frames} = ed, field = (name, at, set) => {
        const input = el('input', {type: 'text', value: exact(at), 'aria-label': name, title: `${name}: m:s.ms or #frame (frame ${frames.index(at)})`,
          onkeydown: e => { if (e.key === 'Enter') { input.blur(); } else if (e.key === 'Escape') { input.value = exact(at); input.blur(); } },
          onchange: () => { const us = window.Studio.timeOf(input.value, frames); input.blur(); if (us === null) { window.Studio.say('A time is m:s.ms, or # and the number of a frame.', 'bad'); this.shown = ''; this.fill(); } else set(us); }});
        return el('label', {}, el('span.st-small.st-dim', {}, name), input);
      };
      const point = row.kind === 'point', parent = row.parent_id && ed.doc.rows.get(row.parent_id);
      return [
        el('h2', {}, row.kind === 'ignore' ? 'Ignored span' : [this.swatch(row), ed.doc.name(row)]),
        el('div.an-times', {}, field(point ? 'At' : 'Start', row.start_us, us => ed.setTimes(row, us, row.end_us)), point ? null : field('End', row.end_us, us => ed.setTimes(row, row.start_us, us))),
        el('p.st-small.st-dim', {}, [point ? 'one moment' : `${((row.end_us - row.start_us) / 1e6).toFixed(3)} s · ${frames.index(row.end_us - 1) - frames.index(row.start_us) + 1} frames`,
          row.source === 'human' ? '' : row.source === 'proposal' ? ' · accepted proposal' : row.source === 'import' ? ' · imported' : ' · from a script', row.confidence === null ? '' : ` ${row.confidence.toFixed(2)}`, parent ? ` · part of ${ed.doc.name(parent)}` : '']),
        this.trackField([row]),
        this.noteField([row]),
        el('div.st-row', {}, el('button.st-quiet', {onclick: () => this.history(row)}, 'History'), el('span.st-space'), el('button.st-quiet', {onclick: () => ed.remove()}, 'Delete ', el('kbd', {}, 'Del'))),
      ];
    }

    several(rows) {
      const {ed} = this, names = [...new Set(rows.map(row => ed.doc.name(row)))];
      return [el('h2', {}, `${rows.length} segments`), el('p.st-small.st-dim', {}, names.slice(0, 4).join(', ') + (names.length > 4 ? ' …' : '')),
        el('p.st-small.st-dim', {}, 'A label’s key relabels them all.'), this.trackField(rows), this.noteField(rows),
        el('div.st-row', {}, el('button', {onclick: () => ed.merge()}, 'Merge ', el('kbd', {}, 'M')), el('span.st-space'), el('button.st-quiet', {onclick: () => ed.remove()}, 'Delete ', el('kbd', {}, 'Del')))];
    }

    trackField(rows) {
      const {ed} = this, here = new Set(rows.map(r => r.track));
      if (ed.tracks.length < 2) return '';
      const select = el('select', {'aria-label': 'Track', onchange: () => { ed.change('move to a track', {track: select.value}); select.blur(); }},
        here.size > 1 ? el('option', {value: '?', selected: true, disabled: true}, 'several') : null, ed.tracks.map(name => el('option', {value: name, selected: here.size === 1 && here.has(name)}, name || 'segments')));
      return el('label', {}, el('span.st-small.st-dim', {}, 'Track'), select);
    }

    noteField(rows) {
      const same = new Set(rows.map(r => r.note)).size === 1;
      const note = el('textarea', {rows: 2, 'aria-label': 'Note', placeholder: same ? 'Note' : 'Different notes', maxLength: 4000, value: same ? rows[0].note : '',
        onkeydown: e => { if (e.key === 'Escape' || (e.key === 'Enter' && (e.ctrlKey || e.metaKey))) note.blur(); },
        onchange: () => this.ed.change('note', {note: note.value.trim()})});
      note.value = same ? rows[0].note : '';
      return note;
    }
  };
})();
