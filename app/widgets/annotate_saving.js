// Saving: operations wait in a queue until the server has them on its disk, and in the browser's
// storage meanwhile, so that neither a reload nor a server that is away loses one. A tab that died
// leaves its queue behind; the next tab sends it before it asks how things stand.
(() => {
  const {sentence} = window.Studio;
  const KEY = 'gad-unsent:', RETRY = 1500;

  window.Studio.Saving = class {
    // onState(state, detail): 'saving' | 'saved' (µs) | 'waiting' (count, why) | 'refused' (sentence)
    // onSaved(video, rows) · onConflict(error, rows) → 'reload' | 'copy' · onDropped() · onIdle()
    constructor(listeners) {
      Object.assign(this, listeners);
      this.tab = window.Studio.uuid();
      this.queue = [];
      // The lock is held as long as the tab lives; its queue is nobody else's until then.
      navigator.locks?.request(KEY + this.tab, () => new Promise(() => {}));
      window.addEventListener('online', () => this.flush());
    }

    get unsent() { return this.queue.length; }

    add(video, body) {
      this.queue.push({video, body});
      this.write();
      return this.flush();
    }

    write() {
      if (this.queue.length) localStorage.setItem(KEY + this.tab, JSON.stringify(this.queue));
      else localStorage.removeItem(KEY + this.tab);
    }

    // Take over what tabs left behind that are no more.
    async adopt() {
      if (!navigator.locks) return;
      await navigator.locks.request(`${KEY}adopting`, async () => {
        for (const key of Object.keys(localStorage).filter(k => k.startsWith(KEY) && k !== KEY + this.tab)) {
          await navigator.locks.request(key, {ifAvailable: true}, async lock => {
            if (!lock) return;
            this.queue.push(...JSON.parse(localStorage.getItem(key) || '[]'));
            this.write();
            localStorage.removeItem(key);
          });
        }
      });
      await this.flush();
    }

    // Send what waits, one operation after the other; each is one transaction.
    async flush() {
      if (this.sending) return this.sending;
      clearTimeout(this.timer);
      this.sending = this.send();
      try { await this.sending; } finally { this.sending = null; }
    }

    async send() {
      while (this.queue.length) {
        const {video, body} = this.queue[0];
        this.onState('saving');
        const answer = await fetch(`/api/videos/${video}/operations`, {
          method: 'POST', headers: {'content-type': 'application/json'}, body: JSON.stringify(body),
        }).catch(() => null);
        const said = answer && await answer.json().catch(() => null);
        if (answer?.ok && said) { this.done(video, said); continue; }
        if (said?.current) { await this.ask(said); continue; }
        // A 409 without segments: something else holds the database for a moment.
        if (answer && answer.status < 500 && answer.status !== 409 && said) { this.refuse(said); continue; }
        this.onState('waiting', {count: this.queue.length, why: said?.error ? sentence(said.error) : 'The studio does not answer.'});
        this.timer = setTimeout(() => this.flush(), RETRY);
        return;
      }
      await this.onIdle();
    }

    done(video, said) {
      this.queue.shift();
      // What waits behind was made on top of this.
      const versions = new Map(said.segments.map(row => [row.id, row.version]));
      for (const {body} of this.queue) for (const edit of body.edits) edit.version = versions.get(edit.id) ?? edit.version;
      this.write();
      this.onSaved(video, said.segments, this.queue.length);
      this.onState(this.queue.length ? 'saving' : 'saved', said.saved_us);
    }

    // The rule that an operation breaks will not change: it goes, and what was built on it.
    refuse(said) {
      const {body} = this.queue[0];
      this.drop(new Set(body.edits.map(e => e.id)));
      this.onState('refused', said.error ? sentence(said.error) : 'The server refused the edit.');
      this.onDropped();
    }

    drop(ids) {
      this.queue.shift();
      this.queue = this.queue.filter(({body}) => !body.edits.some(e => ids.has(e.id)));
      this.write();
    }

    async ask(said) {
      this.onState('asking');
      const stale = new Set(said.current.map(row => row.id));
      // Without a segment to keep there is nothing to choose: an undo came too late.
      const answer = stale.size ? await this.onConflict(said.error, said.current) : 'reload';
      if (!stale.size) window.Studio.say(sentence(said.error), 'bad');
      if (answer === 'copy') {
        // Mine become segments of their own, here and in all that waits behind.
        const copies = new Map([...stale].map(id => [id, window.Studio.uuid()]));
        for (const {body} of this.queue) {
          body.undoes = body.redoes = null;
          for (const edit of body.edits) {
            if (copies.has(edit.id)) { edit.id = copies.get(edit.id); edit.version = null; }
            if (copies.has(edit.parent_id)) edit.parent_id = copies.get(edit.parent_id);
          }
        }
        this.queue[0].body.edits = this.queue[0].body.edits.filter(e => !(e.deleted && e.version === null));
        this.queue[0].body.id = window.Studio.uuid();
        this.write();
      } else this.drop(new Set(this.queue[0].body.edits.map(e => e.id)));
      this.onDropped();
    }
  };
})();
