// What every page uses: talking to the server, building elements, colours, times, the frame.
// User text only ever becomes textContent; no template holds it.
(() => {
  const Studio = window.Studio = window.Studio || {};
  Studio.pages = Studio.pages || {};

  // ---- server ---------------------------------------------------------------------------------

  // Fetch JSON. A refusal is thrown as an Error whose message is the server's sentence.
  Studio.api = async (path, body, {quiet = false} = {}) => {
    const options = body === undefined ? {} : {
      method: 'POST', headers: {'content-type': 'application/json'}, body: JSON.stringify(body),
    };
    let answer;
    try { answer = await fetch(path, options); } catch {
      const error = new Error('The studio does not answer. Is it still running?');
      if (!quiet) Studio.say(error.message, 'bad');
      throw error;
    }
    if (answer.ok) return answer.json();
    const said = (await answer.json().catch(() => ({}))).error;
    const error = new Error(said ? sentence(said) : `The server answered ${answer.status}.`);
    if (!quiet) Studio.say(error.message, 'bad');
    throw error;
  };
  const sentence = e => `${e.rule}${e.value ? `: ${e.value}` : ''}. ${e.next || ''}`.trim();
  Studio.sentence = sentence;

  // Call `look` now and every `ms` while the element is on the page and the page is seen.
  Studio.every = (element, ms, look) => {
    let busy = false;
    const tick = async () => {
      if (!element.isConnected) return clearInterval(timer);
      if (busy || document.hidden) return;
      busy = true;
      try { await look(); } catch { /* said already, or the server is away for a moment */ }
      busy = false;
    };
    const timer = setInterval(tick, ms);
    tick();
  };

  // A random UUID also where a page came over plain HTTP and `crypto.randomUUID` is missing.
  Studio.uuid = () => {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = bytes[6] & 15 | 64; bytes[8] = bytes[8] & 63 | 128;
    const text = Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
    return text.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  };

  // ---- elements -------------------------------------------------------------------------------

  // el('button.main', {title: 'Save', onclick: f}, 'Save') — text children become text nodes.
  Studio.el = (what, attributes = {}, ...children) => {
    const [tag, ...classes] = what.split('.');
    const node = document.createElement(tag || 'div');
    if (classes.length) node.className = classes.join(' ');
    for (const [name, value] of Object.entries(attributes)) {
      if (value === undefined || value === null || value === false) continue;
      if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
      else if (name in node && typeof value !== 'string') node[name] = value;
      else node.setAttribute(name, value === true ? '' : value);
    }
    node.append(...children.flat(Infinity).filter(child => child !== null && child !== undefined));
    return node;
  };
  const el = Studio.el;

  Studio.say = (text, kind = '') => {
    let box = document.querySelector('.st-toasts');
    if (!box) document.body.append(box = el('div.st-toasts', {role: 'status', 'aria-live': 'polite'}));
    for (const old of [...box.children]) if (old.textContent === text) old.remove();
    const toast = el(`div.st-toast${kind ? `.${kind}` : ''}`, {}, text);
    box.append(toast);
    while (box.children.length > 3) box.firstChild.remove();
    setTimeout(() => toast.remove(), kind === 'bad' ? 12000 : 3000);
  };

  // Ask in a dialog; resolves when it closes. `fill(body, close)` builds the content.
  Studio.dialog = (title, fill) => new Promise(resolve => {
    const body = el('div.st-dialog-body');
    const close = value => { dialog.close(); dialog.remove(); resolve(value); };
    const dialog = el('dialog.st-dialog', {'aria-label': title, oncancel: () => close(undefined)},
      el('header', {}, el('h2', {}, title),
        el('button.st-quiet', {'aria-label': 'Close', onclick: () => close(undefined)}, '×')), body);
    document.body.append(dialog);
    fill(body, close);
    dialog.showModal();
    (body.querySelector('input:not([type=checkbox]),textarea') ?? body.querySelector('button.main') ?? dialog.querySelector('button')).focus();
  });

  Studio.isTyping = event => !!event.target.closest?.(
    'input:not([type=checkbox]):not([type=radio]),textarea,select,[contenteditable=true],dialog');

  // ---- times and numbers ------------------------------------------------------------------------

  const two = n => String(n).padStart(2, '0');
  Studio.clock = us => {
    const hundredths = Math.round(us / 10000), s = Math.floor(hundredths / 100);
    return `${two(Math.floor(s / 60))}:${two(s % 60)}.${two(hundredths % 100)}`;
  };
  Studio.length = us => {
    if (us === null || us === undefined) return '–';
    const s = Math.round(us / 1e6);
    return s < 3600 ? `${Math.floor(s / 60)}:${two(s % 60)}` : `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
  };
  Studio.span = seconds => seconds === null || seconds === undefined ? ''
    : seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.floor(seconds / 60)} min ${two(Math.round(seconds % 60))} s`;
  Studio.share = p => p.toFixed(2).replace(/^0/, '');
  Studio.percent = metric => metric && metric.value !== null ? metric.value.toFixed(1) : '–';
  Studio.spread = metric => metric && metric.low !== null && metric.low !== undefined
    ? `${metric.value.toFixed(1)} %, 95 % interval over videos ${metric.low.toFixed(1)} to ${metric.high.toFixed(1)}`
    : metric && metric.value !== null ? `${metric.value.toFixed(1)} %; one video gives no interval` : 'not measured';

  // ---- one colour for a class, everywhere --------------------------------------------------------

  // The verb gives the hue, the noun varies lightness and a little of the hue, evenly over the labels
  // of a verb so that no two look the same; background is the neutral grey.
  const hash = text => [...text].reduce((h, c) => Math.imul(h ^ c.codePointAt(0), 16777619) >>> 0, 2166136261);
  const colours = new Map();
  const hues = new Map();
  const own = new Map();
  const places = new Map();  // of a label among those of its verb, from −1 to 1
  // The labels of a project, archived ones too: one that has a colour of its own keeps it.
  Studio.knowLabels = labels => {
    const verbs = [...new Set(labels.map(label => label.name.split(' ')[0]))].sort();
    verbs.forEach((verb, i) => hues.set(verb, (25 + i * 137.508) % 360));
    colours.clear(); own.clear(); places.clear();
    for (const verb of verbs) {
      const names = labels.map(label => label.name).filter(name => name.split(' ')[0] === verb).sort();
      names.forEach((name, i) => places.set(name, names.length > 1 ? 2 * i / (names.length - 1) - 1 : 0));
    }
    for (const label of labels) if (label.colour) own.set(label.name, label.colour);
  };
  Studio.colour = name => {
    if (own.has(name)) return own.get(name);
    if (!name || name === 'background') return Studio.isDark() ? '#4a4f5a' : '#c9ccd3';
    const key = `${name}|${Studio.isDark()}`;
    if (!colours.has(key)) {
      const [verb, ...rest] = name.split(' ');
      const hue = hues.get(verb) ?? hash(verb) % 360;
      const place = places.get(name) ?? hash(rest.join(' ')) % 5 / 2 - 1;
      const light = (Studio.isDark() ? 0.64 : 0.62) + place * 0.11;
      colours.set(key, `oklch(${light.toFixed(3)} 0.125 ${(hue + 12 * place).toFixed(1)})`);
    }
    return colours.get(key);
  };

  // ---- theme ----------------------------------------------------------------------------------

  Studio.isDark = () => document.body.classList.contains('dark');
  Studio.setTheme = dark => {
    document.body.classList.toggle('dark', dark);
    localStorage.setItem('gad-theme', dark ? 'dark' : 'light');
    window.dispatchEvent(new Event('gad-theme'));
  };
  const remembered = localStorage.getItem('gad-theme');
  const asked = new URLSearchParams(location.search).get('__theme');
  const wanted = asked || remembered || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
  document.body.classList.toggle('dark', wanted === 'dark');

  // ---- where we are ------------------------------------------------------------------------------

  Studio.query = () => new URLSearchParams(location.search);
  Studio.remember = values => {
    const query = Studio.query();
    for (const [name, value] of Object.entries(values)) {
      if (value === null || value === '' || value === undefined) query.delete(name); else query.set(name, value);
    }
    const text = query.toString();
    // The page's base is '/', so a bare '?…' would lose the page's path.
    history.replaceState(null, '', location.pathname + (text ? `?${text}` : ''));
  };

  // The project: of the address, else the one used last, else the first. Asked at once by several
  // parts of a page, it is fetched once.
  let asking = null;
  Studio.project = () => asking ??= findProject().finally(() => { asking = null; });
  const findProject = async () => {
    const all = await Studio.api('/api/projects');
    const wanted = Number(Studio.query().get('project') || localStorage.getItem('gad-project'));
    const found = all.find(p => p.id === wanted) || all[0];
    if (found) localStorage.setItem('gad-project', found.id);
    return {all, current: found};
  };

  // ---- the frame of every page ---------------------------------------------------------------------

  const PAGES = [['Library', '/'], ['Annotate', '/annotate'], ['Train', '/train'], ['Compare', '/compare'], ['Analyse', '/analyse']];
  Studio.frame = async () => {
    if (document.querySelector('.st-head')) return;
    document.documentElement.lang = 'en';
    const here = location.pathname.replace(/\/$/, '') || '/';
    const nav = el('nav', {'aria-label': 'Pages'}, PAGES.map(([name, path]) =>
      el('a', {href: path, 'aria-current': path === here ? 'page' : null}, name)));
    const project = el('select.st-project', {'aria-label': 'Project', title: 'Project'});
    const job = el('a.st-job', {href: '/train', hidden: true});
    const theme = el('button.st-quiet', {
      'aria-label': 'Light or dark', title: 'Light or dark', onclick: () => Studio.setTheme(!Studio.isDark()),
    }, '◐');
    document.body.prepend(el('header.st-head', {}, el('a.st-brand', {href: '/'}, 'GAD Studio'), nav,
      el('span.st-space'), project, job, theme));
    const about = el('span');
    document.body.append(el('footer.st-foot', {role: 'contentinfo'}, el('span.st-saved', {role: 'status', 'aria-live': 'polite'}), about));
    let shown = null;
    const fill = async () => {
      const {all, current} = await Studio.project();
      if (!current) return;
      shown = current.id;
      project.replaceChildren(...all.map(p => el('option', {value: String(p.id), selected: p.id === current.id}, p.name)),
        el('option', {value: 'new'}, 'New project …'));
      about.replaceChildren(`${current.name} · ${current.videos} videos · ${current.segments} segments · ` +
        `${current.labels} labels · ${current.splits.train} train / ${current.splits.val} val / ${current.splits.test} test`);
    };
    project.addEventListener('change', async () => {
      let id = project.value;
      if (id === 'new') {
        const name = prompt('Name of the new project');
        if (!name) return fill();
        try { id = (await Studio.api('/api/projects', {name})).id; } catch { return fill(); }
      }
      localStorage.setItem('gad-project', id);
      location.search = '';
    });
    window.addEventListener('gad-data', fill);
    await fill().catch(() => {});
    Studio.api('/api/troubles', undefined, {quiet: true})
      .then(all => all.forEach(trouble => Studio.say(sentence(trouble), 'bad'))).catch(() => {});
    const running = async () => {
      // All projects are counted once, and not with every look at the queue.
      if (shown === null) await fill();
      if (shown === null) return;
      const jobs = (await Studio.api(`/api/projects/${shown}/jobs`, undefined, {quiet: true}))
        .filter(j => ['RUNNING', 'STOPPING', 'QUEUED'].includes(j.state));
      job.hidden = !jobs.length;
      const first = jobs.find(j => j.state !== 'QUEUED') || jobs[0];
      if (first) {
        const share = first.total ? ` ${Math.floor(100 * first.done / first.total)} %` : '';
        job.replaceChildren(el('span.st-dot'), `${jobs.length} job${jobs.length > 1 ? 's' : ''}${share}`);
        job.title = first.message || first.kind;
      }
    };
    Studio.every(job, 2000, running);
  };

  // What the foot says first: whether everything is saved.
  Studio.foot = (text, kind = '') => {
    const saved = document.querySelector('.st-saved');
    if (saved) { saved.textContent = text; saved.className = `st-saved ${kind}`; }
  };

  Studio.start = (page, element) => {
    Studio.frame();
    Studio.pages[page](element);
  };
})();
