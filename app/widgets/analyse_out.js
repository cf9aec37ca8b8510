// What is taken away from Analyse: a report of the comparison, and a reel of the listed clips.
(() => {
  const {api, el, every, say} = window.Studio;
  const MOST_CLIPS = 200, MOST_US = 600e6;
  const FORMS = {html: 'Page (HTML)', csv: 'Table (CSV)', json: 'JSON'};
  const ENDED = ['DONE', 'STOPPED', 'FAILED', 'LOST'];

  // A chooser that downloads the report of the chosen runs.
  window.Studio.reportChooser = current => {
    const chooser = el('select', {'aria-label': 'Report', title: 'Download a report of these runs', onchange: () => {
      const context = current(), query = `runs=${context.runs.map(r => r.id).join(',')}&split=${context.split}&as=${chooser.value}`;
      el('a', {href: `/api/projects/${context.project.id}/analysis/report?${query}`, download: ''}).click();
      chooser.value = '';
    }}, el('option', {value: ''}, 'Report'), Object.entries(FORMS).map(([form, name]) => el('option', {value: form}, name)));
    return chooser;
  };

  // A button that makes a video of the clips that were shown last, with its progress and its link.
  window.Studio.reelMaker = current => {
    let clips = [], job = null;
    const text = el('span.st-dim.st-small', {role: 'status'});
    const stop = el('button.st-quiet.st-small', {hidden: true, onclick: () => api(`/api/jobs/${job}/stop`, {how: 'discard'})}, 'Stop');
    const make = el('button.st-quiet.st-small', {title: 'Make a video of these clips, with what is true and what each run says', onclick: start}, 'Reel');
    const element = el('span.st-row', {hidden: true}, text, stop, make);

    // The longest list that keeps within the limits of a reel.
    function within() {
      let left = MOST_US;
      return clips.slice(0, MOST_CLIPS).filter(clip => (left -= clip.end_us - clip.start_us) >= 0);
    }

    async function start() {
      const chosen = within(), context = current();
      if (!chosen.length) return say('None of these clips fits into the ten minutes of a reel.', 'bad');
      if (chosen.length < clips.length) say(`A reel is of at most ${MOST_CLIPS} clips and ten minutes: ${chosen.length} of ${clips.length} are taken.`);
      make.disabled = true;
      try {
        const body = {clips: chosen.map(({video, start_us, end_us}) => ({video, start_us, end_us})), runs: context.runs.map(r => r.id)};
        ({job} = await api(`/api/projects/${context.project.id}/reel`, body));
      } catch { make.disabled = false; return; }
      stop.hidden = false;
      text.textContent = 'waiting';
      watch(job);
    }

    function watch(number) {
      const beat = el('i');
      element.append(beat);
      every(beat, 500, async () => {
        const found = (await api(`/api/projects/${current().project.id}/jobs`)).find(each => each.id === number);
        if (!found) return;
        if (!ENDED.includes(found.state)) { text.textContent = found.total ? `${Math.floor(100 * found.done / found.total)} %` : 'waiting'; return; }
        beat.remove();
        make.disabled = false; stop.hidden = true;
        text.replaceChildren(found.state === 'DONE' ? el('a', {href: `/api/reels/${number}`, download: ''}, 'Download') : found.state.toLowerCase());
        if (found.error) say(window.Studio.sentence(found.error), 'bad');
      });
    }

    return {element, of(found) { clips = found; element.hidden = !found.length && make.disabled === false; }};
  };
})();
