// What a segment looks like in moving tiles, and which segments lie nearest to it where a run's
// embeddings are: a picture on a plane can only hint at that.
(() => {
  const {api, el, colour, clock} = window.Studio;

  // The tiles of a video's filmstrip that lie in a segment, again and again while they are wanted.
  window.Studio.loopFilm = async (film, {video, start_us, end_us}, length, wide, wanted) => {
    const strip = await api(`/api/videos/${video}/strip`, undefined, {quiet: true}).catch(() => null);
    if (!film.isConnected || !wanted() || !strip || (strip.ready && !strip.count)) return;
    film.hidden = false;
    if (!strip.ready || !length) { film.style.cssText = `background:url(/thumbs/${video}) center / cover;aspect-ratio:16/9`; return; }
    const {count, columns, width, height} = strip, at = us => Math.min(count - 1, Math.max(0, Math.floor(us / length * count)));
    const from = at(start_us), to = Math.max(from, at(end_us - 1)), rows = Math.ceil(count / columns), high = wide * height / width;
    film.style.cssText = `height:${high}px;background:url(/strips/${video}) 0 0 / ${wide * columns}px ${high * rows}px`;
    let tile = from;
    const next = () => {
      if (!film.isConnected || !wanted()) return clearInterval(looping);
      film.style.backgroundPosition = `-${tile % columns * wide}px -${Math.floor(tile / columns) * high}px`;
      film.dataset.tile = tile;
      tile = tile >= to ? from : tile + 1;
    };
    const looping = setInterval(next, 250);
    next();
  };

  // The strip of the nearest segments: `show(title, clip, neighbours, lengthOf)` with neighbours
  // {point, cosine, clip}; a click on one calls `onClick(point)`.
  window.Studio.NearStrip = class {
    constructor(onClick) {
      this.onClick = onClick;
      this.element = el('section.map-near', {hidden: true, 'aria-label': 'Nearest segments'});
    }

    hide() { this.element.hidden = true; this.element.replaceChildren(); }

    show(title, clip, neighbours, lengthOf) {
      const films = neighbours.map(() => el('div.map-film', {hidden: true}));
      this.element.hidden = false;
      this.element.replaceChildren(
        el('div.map-nearhead', {}, el('span', {}, 'Nearest to ', el('b', {}, clip.label), ` in the embeddings of ${title}`),
          el('span.st-dim.st-small', {}, 'cosine; in all dimensions, not in the picture'), el('span.st-space'),
          el('button.st-quiet', {'aria-label': 'Close', onclick: () => this.hide()}, '×')),
        el('div.map-nearlist', {}, neighbours.map(({point, cosine, clip: near}, k) => el('button.map-nearest', {
          title: `${near.name} · ${clock(near.start_us)} – ${clock(near.end_us)}`, 'data-segment': near.segment, onclick: () => this.onClick(point)}, films[k],
        el(`span.map-says${near.label === clip.label ? '' : '.wrong'}`, {}, el('i.cmp-swatch', {style: `background:${colour(near.label)}`}), near.label, el('span.st-dim', {}, cosine.toFixed(2)))))));
      neighbours.forEach(({clip: near}, k) => window.Studio.loopFilm(films[k], near, lengthOf(near.video), 112, () => !this.element.hidden));
    }
  };
})();
