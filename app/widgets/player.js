// The player: one video element is the clock. Times on our clock are microseconds from the first
// shown frame; the element's time is that plus the offset which the probe found. A video of features
// has no file: then the clock runs by itself.
(() => {
  const {el, api, say} = window.Studio;

  // When every frame of a video starts, and when the last one ends.
  class Frames {
    constructor(starts) { this.starts = starts; this.count = starts.length - 1; this.length = starts[this.count]; }

    // Until the real times are there, and where no file has any.
    static even(fps, length) {
      const step = 1e6 / (fps || 12), count = Math.max(1, Math.round(length / step));
      return new Frames(Float64Array.from({length: count + 1}, (_, n) => n === count ? length : Math.round(n * step)));
    }

    // The frame that is shown at a time.
    index(us) {
      let low = 0, high = this.count;
      while (high - low > 1) { const middle = (low + high) >> 1; if (this.starts[middle] <= us + 0.5) low = middle; else high = middle; }
      return low;
    }

    start(n) { return this.starts[Math.min(Math.max(0, n), this.count)]; }
    middle(n) { return (this.start(n) + this.start(n + 1)) / 2; }

    // The nearest place where a segment may begin or end.
    nearest(us) { const n = this.index(us); return us - this.start(n) <= this.start(n + 1) - us ? this.start(n) : this.start(n + 1); }
  }

  window.Studio.Frames = Frames;
  window.Studio.Player = class {
    constructor(onFrame) {
      this.video = el('video', {playsinline: true, preload: 'auto', tabindex: -1});
      this.note = el('p.pl-note', {hidden: true});
      this.element = el('div.pl', {}, this.video, this.note);
      this.offset = 0; this.length = 0; this.shownUs = 0; this.speed = 1; this.range = null;
      this.frames = Frames.even(12, 1);
      const {video} = this;
      video.muted = true;
      video.addEventListener('loadedmetadata', () => {
        if (!video.videoWidth) this.say('The browser plays only the sound of this file.');
        this.seek(this.wanted ?? 0);
        video.playbackRate = Math.abs(this.speed);
      });
      video.addEventListener('error', () => this.say('The browser cannot play this file.'));
      video.addEventListener('click', () => this.toggle());
      // Frame truth: what is on the screen, not what the clock says.
      video.addEventListener('seeking', () => { this.exact = false; });
      video.addEventListener('pause', () => { if (this.exact && !video.seeking && !video.ended) this.show(this.frames.index(this.shownUs)); });
      const frame = (_, meta) => { this.shownUs = meta.mediaTime * 1e6 - this.offset; this.exact = true; video.requestVideoFrameCallback?.(frame); };
      video.requestVideoFrameCallback?.(frame);
      const tick = now => {
        if (!this.element.isConnected && this.wasConnected) return;
        this.wasConnected ||= this.element.isConnected;
        this.advance(now);
        onFrame(this.time);
        requestAnimationFrame(tick);
      };
      requestAnimationFrame(tick);
    }

    // Without a file `at` is the time. `moved` is when the clock was last moved on by us: without a
    // file, and backwards, which no browser plays.
    advance(now) {
      if (this.moved) {
        const to = this.time + 1000 * (now - this.moved) * this.speed;
        if (this.bare) this.at = Math.min(Math.max(0, to), this.length);
        else { this.back = to; if (!this.video.seeking) this.video.currentTime = this.onElement(Math.max(0, to)); }
        this.moved = to > 0 && to < this.length ? now : 0;
      }
      if (!this.range) return;
      const [from, to] = this.range;
      if (this.time < to && this.playing) { this.began = true; return; }
      if (this.loop && (this.began || this.playing)) { this.seek(from); this.play(); return; }
      if (!this.playing && !this.video.ended && this.time < to) return;
      this.range = null;
      this.pause();
      this.show(Math.max(this.frames.index(from), this.frames.index(to - 1)));
    }

    get playing() { return this.bare || this.speed < 0 ? !!this.moved : !this.video.paused && !this.video.ended; }

    get time() {
      const us = this.bare ? this.at : this.moved ? this.back : this.video.currentTime * 1e6 - this.offset;
      return Math.min(Math.max(0, us), this.length || Infinity);
    }

    // The frame on the screen, and when it starts.
    // While the browser is still seeking it is the one that was asked for: hands are faster.
    get frame() { return this.frames.index(this.video.seeking && !this.moved ? this.wanted : this.exact && !this.bare ? this.shownUs : this.time); }
    get frameStart() { return this.frames.start(this.frame); }

    onElement(us) { return (us + this.offset) / 1e6; }

    say(text) { this.note.textContent = text; this.note.hidden = !text; }

    async open(video, at = 0) {
      this.say('');
      this.offset = video.offset_us; this.length = video.duration_us;
      this.frames = Frames.even(video.fps, video.duration_us);
      this.wanted = this.at = at; this.range = null; this.loop = false; this.exact = false;
      this.bare = this.element.hidden = video.media === 'none';
      this.pause();
      const asked = this.asked = video.id;
      const times = this.times(asked);
      if (this.bare) { this.video.removeAttribute('src'); this.video.removeAttribute('poster'); return times; }
      this.video.poster = `/thumbs/${video.id}`;
      if (video.media === 'ready') { this.video.src = `/media/${video.id}`; return times; }
      this.video.removeAttribute('src');
      this.say('A copy that browsers play is being made …');
      await api(`/api/videos/${video.id}/proxy`, {}).catch(() => say('The copy could not be made.', 'bad'));
    }

    async times(id) {
      const answer = await fetch(`/api/videos/${id}/frames`).catch(() => null);
      if (!answer?.ok || this.asked !== id) return;
      const starts = new Float64Array(await answer.arrayBuffer());
      if (starts.length > 1 && this.asked === id) this.frames = new Frames(starts);
    }

    // Seek to the middle of the frame at a time, so that rounding never shows its neighbour.
    seek(us) { this.show(this.frames.index(Math.min(Math.max(us, 0), Math.max(0, this.length - 1)))); this.wanted = us; }

    show(n) {
      n = Math.min(Math.max(0, n), this.frames.count - 1);
      this.wanted = this.frames.start(n);
      if (this.bare) { this.at = this.wanted; this.video.dispatchEvent(new Event('seeked')); return; }
      this.video.currentTime = this.onElement(this.frames.middle(n));
    }

    pause() { this.moved = 0; this.video.pause(); }

    play() {
      if (this.bare || this.speed < 0) { this.back = this.time; this.moved = performance.now(); } else this.video.play().catch(() => {});
    }

    toggle() { this.range = null; if (this.playing) this.pause(); else this.play(); }

    // Play one span and stop on its last frame; with `loop`, again and again.
    playSpan(from, to, loop = false) {
      this.pause();
      this.range = [from, to]; this.loop = loop; this.began = false;
      if (this.speed < 0) this.setSpeed(1);
      this.seek(from);
      this.play();
    }

    setSpeed(speed) {
      const playing = this.playing;
      this.pause();
      this.speed = speed;
      this.video.playbackRate = Math.abs(speed);
      if (playing) this.play();
    }

    stepFrame(n) {
      this.pause();
      this.range = null;
      this.show((this.video.seeking ? this.frames.index(this.wanted) : this.frame) + n);
    }
  };
})();
