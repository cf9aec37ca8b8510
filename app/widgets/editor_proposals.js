// What a run proposes, in the editor: which proposals are open, going through them, taking or refusing them.
(() => {
  const {say} = window.Studio;

  Object.defineProperties(window.Studio.Editor.prototype, Object.getOwnPropertyDescriptors({
    isOpen(p) { return p.label_id !== null && !this.rejected.has(p.id) && (this.doc.rows.get(p.id)?.deleted ?? true); },
    get open() { return this.proposals ? this.proposals.rows.filter(p => this.isOpen(p)) : []; },
    proposalsWithin(from, to) { return this.open.filter(p => p.start_us <= to && p.end_us >= from); },

    clickProposal(row, part, us) {
      if (part === 'accept') return this.accept([row]);
      if (part === 'reject') return this.reject([row]);
      this.proposal = row;
      this.selected.clear();
      this.player.seek(us);
      this.onSelect();
    },

    nextProposal(step) {
      const {open} = this, at = this.proposal?.start_us ?? this.player.frameStart;
      const found = step > 0 ? open.find(p => p.start_us > at || (!this.proposal && p.start_us >= at)) : open.findLast(p => p.start_us < at);
      if (!found) return say(this.proposals ? 'No further proposal.' : 'Choose a run that proposes.');
      this.clickProposal(found, 'body', found.start_us);
    },

    // They become segments of the active track; nothing that is there is touched.
    accept(list = this.proposal ? [this.proposal] : []) {
      if (!list.length) return say('Choose a proposal first (N).');
      const {frames} = this;
      // Where a run is asked twice a second, a time that it names may lie within a frame.
      const rows = list.map(p => ({...p, start_us: frames.nearest(p.start_us)})).map(p => this.doc.make({id: p.id, start_us: p.start_us, end_us: Math.max(frames.nearest(p.end_us), frames.start(frames.index(p.start_us) + 1)), label_id: p.label_id, confidence: p.confidence, source: 'proposal', track: this.activeTrack}));
      this.apply(rows.length > 1 ? `accept ${rows.length} proposals` : 'accept', rows);
      const after = list.length === 1 ? this.open.find(p => p.start_us >= list[0].start_us) ?? null : null;
      this.pickAll(rows);
      this.proposal = after;
      this.onSelect();
    },

    reject(list = this.proposal ? [this.proposal] : []) {
      if (!list.length) return say('Choose a proposal first (N).');
      this.apply(list.length > 1 ? `reject ${list.length} proposals` : 'reject', [], list.map(p => ({proposal: p.id, run: this.proposals.run, rejected: true})));
      this.proposal = this.open.find(p => p.start_us >= list[0].start_us) ?? null;
      if (this.proposal) this.player.seek(this.proposal.start_us);
      this.onSelect();
    },
  }));
})();
