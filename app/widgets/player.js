// The player: one video element is the clock. Times on our clock are microseconds from the first
// shown frame; the element's time is that plus the offset which the probe found. A video of features
// has no file: then the clock runs by itself.
(() => {
  const {el, api, say} = window.Studio;

  window.Studio.Player = class {
    constructor(onFrame) {
      this.video = el('video', {playsinline: true, preload: 'auto', tabindex: -1});
      this.note = el('p.pl-note', {hidden: true});
      this.element = el('div.pl', {}, this.video, this.note);
      this.offset = 0; this.length = 0; this.step = 1e6 / 12; this.shownUs = 0;
      const {video} = this;
      video.muted = true;
      video.addEventListener('loadedmetadata', () => {
        if (!video.videoWidth) this.say('The browser plays only the sound of this file.');
        this.seek(this.wanted ?? 0);
      });
      video.addEventListener('error', () => this.say('The browser cannot play this file.'));
      video.addEventListener('click', () => this.toggle());
      // Frame truth: what is on the screen, not what the clock says.
      const frame = (_, meta) => { this.shownUs = meta.mediaTime * 1e6 - this.offset; video.requestVideoFrameCallback?.(frame); };
      video.requestVideoFrameCallback?.(frame);
      const tick = now => {
        if (!this.element.isConnected && this.wasConnected) return;
        this.wasConnected ||= this.element.isConnected;
        if (this.running) { this.at += 1000 * (now - this.running); this.running = this.at < this.length ? now : 0; }
        onFrame(this.time);
        requestAnimationFrame(tick);
      };
      requestAnimationFrame(tick);
    }

    // Without a file `at` is the time, and `running` when it was last moved on.
    get time() { return Math.min(Math.max(0, this.bare ? this.at : this.video.currentTime * 1e6 - this.offset), this.length || Infinity); }

    say(text) { this.note.textContent = text; this.note.hidden = !text; }

    async open(video, at = 0) {
      this.say('');
      this.offset = video.offset_us; this.length = video.duration_us;
      this.step = video.fps ? 1e6 / video.fps : 1e6 / 12;
      this.wanted = this.at = at;
      this.bare = this.element.hidden = video.media === 'none';
      this.pause();
      if (this.bare) { this.video.removeAttribute('src'); this.video.removeAttribute('poster'); return; }
      this.video.poster = `/thumbs/${video.id}`;
      if (video.media === 'ready') { this.video.src = `/media/${video.id}`; return; }
      this.video.removeAttribute('src');
      this.say('A copy that browsers play is being made …');
      await api(`/api/videos/${video.id}/proxy`, {}).catch(() => say('The copy could not be made.', 'bad'));
    }

    seek(us) {
      this.wanted = us;
      const t = Math.min(Math.max(us, 0), Math.max(0, this.length - 1000));
      if (this.bare) { this.at = t; this.video.dispatchEvent(new Event('seeked')); return; }
      // The middle of a frame, so that rounding never shows its neighbour.
      this.video.currentTime = (t + this.offset + 500) / 1e6;
    }

    pause() { this.running = 0; this.video.pause(); }

    toggle() {
      if (this.bare) this.running = this.running ? 0 : performance.now();
      else this.video.paused ? this.video.play().catch(() => {}) : this.video.pause();
    }

    stepFrame(n) {
      this.pause();
      const index = Math.round((this.time - 500) / this.step);
      this.seek((index + n) * this.step + this.step / 2);
    }
  };
})();
