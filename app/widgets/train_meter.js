// The meter: how busy this machine is, looked at every two seconds while the page is seen.
(() => {
  const {api, el, every} = window.Studio, train = window.Studio.train ||= {};

  train.size = bytes => bytes >= 1e11 ? `${Math.round(bytes / 1e9)} GB` : bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.round(bytes / 1e6)} MB`;
  train.ofSize = (used, total) => `${(used / 1e9).toFixed(1)} of ${(total / 1e9).toFixed(total < 1e11 ? 1 : 0)} GB`;

  // What a reading shows: a name, a share in percent (null where there is none to draw), a text.
  function gauges({cpu, memory, gpus, disk}) {
    return [['CPU', cpu.percent, `${Math.round(cpu.percent)} % of ${cpu.cores} cores`],
      ['memory', 100 * memory.used / memory.total, train.ofSize(memory.used, memory.total)],
      ...gpus.map(({slot, percent, memory: own, name}) => [slot, own.total ? 100 * own.used / own.total : percent, [percent === null ? null : `${percent} %`, own.total ? train.ofSize(own.used, own.total) : null].filter(Boolean).join(' · ') || name]),
      ['disk', 100 * (1 - disk.free / disk.total), `${train.size(disk.free)} free`]];
  }

  train.meter = () => {
    const element = el('section.tr-meter', {'aria-label': 'This machine'});
    let rows = [];
    function show(found) {
      if (rows.length !== found.length) {
        rows = found.map(() => ({name: el('span.st-dim'), bar: el('i'), text: el('span')}));
        element.replaceChildren(...rows.map(row => el('span', {}, row.name, el('span.st-bar', {'aria-hidden': 'true'}, row.bar), row.text)));
      }
      found.forEach(([name, percent, text], i) => {
        rows[i].name.textContent = name;
        rows[i].bar.parentElement.hidden = percent === null;
        rows[i].bar.style.width = `${percent}%`;
        rows[i].bar.classList.toggle('full', percent > 95 && name !== 'CPU');
        rows[i].text.textContent = text;
      });
    }
    return {element, start: () => every(element, 2000, async () => show(gauges(await api('/api/machine', undefined, {quiet: true}))))};
  };
})();
