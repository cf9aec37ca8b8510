"""A short kitchen video labelled from scratch by a scripted person, in two ways."""

import pytest

from tests.app.browser import chromium
from tests.app.drill import Film, Person, annotating, make_film, stored

pytestmark = [pytest.mark.browser]


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Film:
    path = tmp_path_factory.mktemp("film") / "tea.mp4"
    return make_film(path, [("make tea", 7)], seconds=20.0)


def test_a_video_is_labelled_to_the_frame_by_keyboard_alone(browser, tmp_path, film):
    with annotating(browser, tmp_path / "data", film) as (page, studio):
        person = Person(page)
        person.label_by_keyboard(film)
        person.wait()
        assert stored(studio) == film.truth
    assert person.counts["buttons"] == 0


def test_a_video_is_labelled_to_the_frame_by_mouse_alone(browser, tmp_path, film):
    with annotating(browser, tmp_path / "data", film) as (page, studio):
        person = Person(page)
        person.label_by_dragging(film)
        person.wait()
        assert stored(studio) == film.truth
    assert person.counts["keys"] == 0


COVERED = """seed => {
  let state = seed;
  const dice = n => (state = (state * 48271) % 2147483647) % n;
  const doc = Object.assign(Object.create(Object.getPrototypeOf(Studio.editor.doc)), {
    rows: new Map(), byTrack: new Map(), onChange: () => {},
  });
  for (let n = 0; n < 2000; n++) {
    const start_us = dice(100000), end_us = start_us + 1 + dice(n % 50 ? 60 : 3000);
    doc.rows.set(String(n), {id: String(n), start_us, end_us, track: '', deleted: false});
  }
  doc.changed();
  const {rows, sub} = doc.byTrack.get(''), step = 400, from = 20000, to = 80000;
  const pixels = list => [...new Set(list.flatMap(row => {
    const found = [];
    for (let p = Math.floor(row.start_us / step); p * step < row.end_us; p++)
      found.push(`${sub.get(row.id)} ${p}`);
    return found;
  }))].sort();
  const slow = rows.filter(row => row.end_us >= from && row.start_us <= to);
  const quick = doc.seen('', from, to, step);
  return {slow: pixels(slow), quick: pixels(quick), rows: slow.length, drawn: quick.length};
}"""


def test_leaving_out_what_falls_on_one_pixel_leaves_no_pixel_empty(browser, tmp_path, film):
    with annotating(browser, tmp_path / "data", film) as (page, _):
        for seed in (1, 2, 3):
            found = page.evaluate(COVERED, seed)
            assert found["quick"] == found["slow"]
            assert found["drawn"] < found["rows"] / 2
