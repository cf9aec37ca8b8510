// The key map: what can be done, by which keys, and a sheet on which both can be read and changed.
// Keys of the browser itself (Alt+arrows, Ctrl+W, T, N, Tab) cannot be taken.
(() => {
  const {el, dialog, isTyping} = window.Studio;
  const TAKEN = /^(Ctrl\+(w|t|n|Tab|Shift\+(t|n|Tab))|Alt\+.*|F5|F11|F12)$/i;

  // The name of what is pressed: letters small with Shift+, signs as they are printed.
  window.Studio.keyName = e => {
    const named = e.key.length > 1 || e.key === ' ';
    const key = e.key === ' ' ? 'Space' : named ? e.key : e.key.toLowerCase();
    const letter = e.key.length === 1 && e.key.toLowerCase() !== e.key.toUpperCase();
    const shift = e.shiftKey && (named || letter || e.ctrlKey || e.metaKey);
    return `${e.ctrlKey || e.metaKey ? 'Ctrl+' : ''}${e.altKey ? 'Alt+' : ''}${shift ? 'Shift+' : ''}${key}`;
  };
  const shown = name => name.replace('ArrowLeft', '←').replace('ArrowRight', '→').replace('ArrowUp', '↑').replace('ArrowDown', '↓').replace('Escape', 'Esc').replace('Delete', 'Del')
    .replace(/(^|\+)([a-z])$/, (_, plus, letter) => plus + letter.toUpperCase());
  window.Studio.keyShown = shown;

  window.Studio.KeyMap = class {
    // actions: [[group, [[id, what it does, [keys], run]]]]; changed: {id: [keys]} as it was stored.
    constructor(actions, {changed = {}, onChange = () => {}} = {}) {
      this.groups = actions; this.changed = changed; this.onChange = onChange; this.extra = () => new Map();
      this.actions = new Map(actions.flatMap(([, list]) => list.map(([id, what, keys, run]) => [id, {id, what, keys, run}])));
      this.learn();
    }

    keys(id) { return this.changed[id] ?? this.actions.get(id).keys; }
    hint(id) { return this.keys(id).map(shown).join(', '); }
    learn() { this.byKey = new Map([...this.actions.keys()].flatMap(id => this.keys(id).map(key => [key, id]))); }

    // What a key does, null if nothing.
    action(key) { return this.actions.get(this.byKey.get(key))?.what ?? null; }

    // Who else has a key: an action's name, '' if nobody.
    holder(key, except) {
      for (const [id, action] of this.actions) if (id !== except && this.keys(id).includes(key)) return action.what;
      return this.extra().get(key) ?? '';
    }

    listen(root) {
      document.addEventListener('keydown', e => {
        if (!root.isConnected || isTyping(e) || document.querySelector('dialog[open]')) return;
        const name = window.Studio.keyName(e);
        if ((name === 'Space' || name === 'Enter') && e.target.closest?.('button,a,summary,[role=listitem]')) return;
        // Where a layout prints a sign alike with Shift, that key may mean something else.
        const id = (e.shiftKey && this.byKey.get(`Shift+${name}`)) || this.byKey.get(name);
        if (id) this.actions.get(id).run(e);
        else if (!this.onOther?.(name)) return;
        e.preventDefault(); e.stopPropagation();
      }, {capture: true});
    }

    set(id, keys) {
      if (JSON.stringify(keys) === JSON.stringify(this.actions.get(id).keys)) delete this.changed[id]; else this.changed[id] = keys;
      this.learn();
      this.onChange(this.changed);
    }

    // The cheat sheet, on which a click on a key waits for another one.
    sheet(more = []) {
      return dialog('Keys', body => {
        body.closest('dialog').classList.add('st-wide');
        const list = el('div.key-groups');
        const fill = () => list.replaceChildren(...this.groups.map(([group, actions]) => el('section', {}, el('h2', {}, group),
          el('table.st-keys', {}, actions.map(([id, what]) => this.line(id, what, fill))))), ...more);
        const search = el('input', {type: 'search', placeholder: 'Search', 'aria-label': 'Search keys', oninput: () => {
          for (const row of list.querySelectorAll('tr')) row.hidden = !row.textContent.toLowerCase().includes(search.value.toLowerCase());
        }});
        const reset = el('button', {onclick: () => { this.changed = {}; this.learn(); this.onChange(this.changed); fill(); }}, 'All as they were');
        body.append(el('div.st-row', {}, search, el('span.st-dim.st-small', {}, 'Click a key to give the action another one.'), el('span.st-space'), reset), list);
        fill();
      });
    }

    line(id, what, fill) {
      const cell = el('td');
      const set = keys => { this.set(id, keys); fill(); };
      const ask = (n, button) => {
        button.textContent = 'press a key …';
        button.classList.add('waiting');
        const take = e => {
          if (['Shift', 'Control', 'Alt', 'Meta'].includes(e.key)) return;
          e.preventDefault(); e.stopPropagation();
          document.removeEventListener('keydown', take, true);
          const name = window.Studio.keyName(e), keys = [...this.keys(id)];
          if (name === 'Escape' && id !== 'clear') return fill();
          if (TAKEN.test(name)) { fill(); return this.warn(list(id), `${shown(name)} belongs to the browser.`); }
          const holder = this.holder(name, id);
          if (holder) { fill(); return this.warn(list(id), `${shown(name)} is taken: ${holder}. Give that another key first.`); }
          if (n < keys.length) keys[n] = name; else keys.push(name);
          set(keys);
        };
        document.addEventListener('keydown', take, true);
      };
      const list = () => document.querySelector(`[data-action="${id}"]`);
      this.keys(id).forEach((key, n) => cell.append(el('button.key', {title: 'Give it another key', onclick: e => ask(n, e.currentTarget), oncontextmenu: e => { e.preventDefault(); set(this.keys(id).filter((_, i) => i !== n)); }}, shown(key))));
      cell.append(el('button.key.st-quiet', {'aria-label': `One more key for: ${what}`, title: 'One more key', onclick: e => ask(this.keys(id).length, e.currentTarget)}, '+'));
      if (this.changed[id]) cell.append(el('button.key.st-quiet', {title: 'As it was', onclick: () => set(this.actions.get(id).keys)}, '↺'));
      return el('tr', {'data-action': id}, cell, el('td', {}, what));
    }

    warn(row, text) { row?.lastChild.append(el('div.st-note.bad.st-small', {role: 'alert'}, text)); }
  };
})();
