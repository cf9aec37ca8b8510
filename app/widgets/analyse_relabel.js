// Give segments of several videos another label: one operation a video, and back again.
(() => {
  const {api, uuid} = window.Studio;
  const rowsOf = said => said.segments.map(values => Object.fromEntries(said.columns.map((name, i) => [name, values[i]])));

  // Returns what `unlabel` needs; segments that are gone, or have the label, stay as they are.
  // What a refusal leaves undone is thrown with what was done: `error.done`.
  window.Studio.relabel = async (byVideo, label) => {
    const done = [];
    try {
      for (const [video, ids] of byVideo) {
        const before = rowsOf(await api(`/api/videos/${video}/annotations`)).filter(row => ids.has(row.id) && row.label_id !== label);
        if (!before.length) continue;
        const body = {id: uuid(), name: 'relabel', edits: before.map(row => ({...row, label_id: label}))};
        const {segments} = await api(`/api/videos/${video}/operations`, body);
        done.push({video, id: body.id, before, versions: new Map(segments.map(row => [row.id, row.version]))});
      }
    } catch (error) { throw Object.assign(error, {done}); }
    return done;
  };

  // The last first; what was changed elsewhere since is refused and said, and stays in the list.
  window.Studio.unlabel = async done => {
    while (done.length) {
      const {video, id, before, versions} = done[done.length - 1];
      const edits = before.map(row => ({...row, version: versions.get(row.id)}));
      await api(`/api/videos/${video}/operations`, {id: uuid(), name: 'undo relabel', edits, undoes: id});
      done.pop();
    }
  };
})();
