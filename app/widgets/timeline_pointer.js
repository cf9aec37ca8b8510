// What the mouse does on the timeline: click seeks, drag moves edges and segments, Alt snaps, Shift
// moves a boundary that two segments share, a drag on the ruler makes a segment.
(() => {
  const NEAR = 8, STILL = 3;

  window.Studio.listenToPointer = (timeline, ed) => {
    const {canvas} = timeline;
    let drag = null, head = Infinity;

    const near = (us, e, except) => ed.wantsSnap(e.altKey) ? ed.near(us, NEAR / (timeline.width - timeline.side) * (timeline.to - timeline.from), except, head) : null;

    // A time under the pointer: snapped to a frame, with Alt to whatever lies near.
    const time = (e, except = new Set()) => {
      const us = timeline.inside(e.offsetX);
      return near(us, e, except) ?? ed.frames.nearest(us);
    };

    // Where segments go that are dragged: with Alt the nearer of the two edges snaps.
    const carried = e => {
      const {row} = drag.hit, by = timeline.inside(e.offsetX) - drag.us, mine = new Set(drag.rows.map(r => r.id));
      const [best] = [row.start_us, row.end_us].map(us => [us, near(us + by, e, mine)]).filter(([, at]) => at !== null)
        .sort(([a, x], [b, y]) => Math.abs(x - a - by) - Math.abs(y - b - by));
      return ed.allMoved(drag.rows, row, best ? row.start_us + best[1] - best[0] : row.start_us + by, best?.[1]);
    };

    canvas.addEventListener('pointerdown', e => {
      timeline.element.focus({preventScroll: true});
      const x = e.offsetX, y = e.offsetY, hit = timeline.hit(x, y);
      timeline.showTip(e, '');
      canvas.setPointerCapture(e.pointerId);
      timeline.dragging = true;
      head = ed.player.playing ? Infinity : ed.player.frameStart;
      if (e.button === 1) { e.preventDefault(); drag = {kind: 'pan', x, from: timeline.from}; return; }
      if (e.button !== 0) { timeline.dragging = false; return; }
      if (x < timeline.side) { if (hit.lane?.kind === 'track') ed.chooseTrack(hit.lane.name); drag = {kind: 'none'}; return; }
      if (y < 16) drag = {kind: 'map'};
      else if (!hit.lane) drag = {kind: 'ruler', x, from: time(e)};
      else if (hit.lane.kind === 'proposals') { drag = {kind: 'none'}; ed.clickProposal(hit.row, hit.part, timeline.inside(x)); }
      else if (!hit.row) drag = {kind: 'lane', x, y, lane: hit.lane};
      else drag = {kind: hit.part === 'body' ? 'move' : 'edge', hit, x, us: timeline.inside(x), rows: ed.withSelected(hit.row), more: e.ctrlKey || e.metaKey || (e.shiftKey && hit.part === 'body')};
      if (drag.kind === 'map') pan(e);
    });

    const pan = e => timeline.move((e.offsetX - timeline.side) / (timeline.width - timeline.side) * timeline.length - (timeline.to - timeline.from) / 2);

    canvas.addEventListener('pointermove', e => {
      if (!drag) { hover(e); return; }
      const moved = Math.abs(e.offsetX - (drag.x ?? e.offsetX)) > STILL || Math.abs(e.offsetY - (drag.y ?? e.offsetY)) > STILL;
      drag.moved ||= moved;
      if (drag.kind === 'map') pan(e);
      else if (drag.kind === 'pan') timeline.move(drag.from - (e.offsetX - drag.x) / (timeline.width - timeline.side) * (timeline.to - timeline.from));
      else if (!drag.moved) return;
      else if (drag.kind === 'ruler') { const to = time(e); timeline.ghost = [Math.min(drag.from, to), Math.max(drag.from, to)]; }
      else if (drag.kind === 'lane') timeline.box = [drag.x, drag.y, e.offsetX, e.offsetY];
      else if (drag.kind === 'edge') preview(ed.edgeMoved(drag.hit.row, drag.hit.part, time(e, new Set([drag.hit.row.id])), e.shiftKey || ed.contiguous));
      else if (drag.kind === 'move') preview(carried(e));
      timeline.dirty = true;
    });

    const preview = rows => {
      drag.after = rows;
      timeline.preview = new Map(rows.map(row => [row.id, row]));
      if (drag.kind === 'edge') ed.player.seek(drag.hit.part === 'start' ? rows[0].start_us : rows[0].end_us - 1);
    };

    canvas.addEventListener('pointerup', e => {
      const was = drag;
      drag = null;
      timeline.dragging = false; timeline.ghost = timeline.box = null; timeline.preview = new Map(); timeline.dirty = true;
      if (!was || was.kind === 'none' || was.kind === 'map' || was.kind === 'pan') return;
      if (!was.moved) {
        if (was.hit) ed.pick(was.hit.row, was.more);
        else { if (was.lane) ed.chooseTrack(was.lane.name); ed.pick(null); }
        if (!was.more) ed.player.seek(timeline.inside(e.offsetX));
        return;
      }
      if (was.kind === 'ruler') ed.create(was.from, time(e));
      else if (was.kind === 'lane') ed.pickAll(boxed(was, e));
      else ed.apply(was.kind === 'edge' ? 'move an edge' : 'move', was.after);
    });

    canvas.addEventListener('pointercancel', () => { drag = null; timeline.dragging = false; timeline.ghost = timeline.box = null; timeline.preview = new Map(); timeline.dirty = true; });

    // The rows of all tracks that a box touches.
    const boxed = (was, e) => {
      const [left, right] = [was.x, e.offsetX].sort((a, b) => a - b), [top, bottom] = [was.y, e.offsetY].sort((a, b) => a - b);
      return timeline.lanes.filter(l => l.kind === 'track' && l.top < bottom && l.top + l.height > top)
        .flatMap(lane => timeline.rows(lane, timeline.at(left), timeline.at(right)).filter(row => {
          const [, y, , h] = timeline.place(lane, row);
          return y < bottom && y + h > top;
        }));
    };

    canvas.addEventListener('dblclick', e => {
      const {row, lane} = timeline.hit(e.offsetX, e.offsetY);
      if (row && row.kind !== 'point') ed.player.playSpan(row.start_us, row.end_us);
      else if (!lane && e.offsetY >= 16) ed.player.seek(timeline.inside(e.offsetX));
    });

    const hover = e => {
      const hit = timeline.hit(e.offsetX, e.offsetY);
      canvas.style.cursor = e.offsetX < timeline.side ? 'pointer' : hit.part === 'start' || hit.part === 'end' ? 'ew-resize' : hit.row ? 'pointer' : 'crosshair';
      timeline.showTip(e, timeline.describe(hit));
    };
    canvas.addEventListener('pointerleave', () => timeline.showTip({offsetX: 0, offsetY: 0}, ''));
  };
})();
