"""What is found in each layout, whichever way it is looked at."""

from dataclasses import replace

import av
import numpy as np
import pytest
from av.stream import Disposition

from core.errors import UnreadableVideo
from core.video.facts import examine
from core.video.info import DEFAULT_LIMITS, Limits, packed, unpacked
from core.video.packets import read_packets
from core.video.source import Source
from tests.core.video.clips import LONG, Clip, picture, show_only, write_tone

AT_PLACES = Limits(whole_pixels=0)


def test_times_size_and_codec_are_those_that_were_written(found, layout):
    info = found(layout)
    assert info.pts_us.tolist() == layout.clip.times_us
    assert (info.codec, info.container) == (layout.codec, layout.container)
    assert (info.width, info.height) == (round(160 * (layout.clip.aspect or 1)), 96)
    assert info.rotation == layout.clip.rotation
    assert (info.health, info.health_reason) == ("good", "")
    assert info.usable_us == info.duration_us


@pytest.mark.fault
def test_only_what_every_browser_plays_is_playable(found, layout):
    info = found(layout)
    assert info.playable == layout.playable == (not info.why_not)


@pytest.mark.fault
def test_the_offset_is_where_the_file_itself_puts_its_first_frame(found, layout):
    assert found(layout).offset_us == layout.offset_us


def test_looking_at_places_finds_what_decoding_everything_finds(written, found, layout):
    whole, places = found(layout), examine(written(layout), AT_PLACES)
    assert whole == places
    assert np.array_equal(whole.pts_us, places.pts_us)


@pytest.mark.fault
def test_evenly_spaced_frames_are_constant_and_others_variable(found, layout):
    info = found(layout)
    assert info.timing == ("constant" if layout.clip.evenly_spaced else "variable")
    assert info.frame_count == len(layout.clip.times_ms)
    assert info.fps == pytest.approx(info.frame_count * 1e6 / info.duration_us, abs=1e-3)


def test_the_last_frame_lasts_as_long_as_the_others(found, layout):
    info = found(layout)
    if layout.clip.evenly_spaced:
        assert info.duration_us == 2_000_000
    assert info.duration_us > info.pts_us[-1]


@pytest.mark.parametrize("limits", [DEFAULT_LIMITS, AT_PLACES])
def test_what_an_edit_list_hides_does_not_count(clip, limits):
    show_only(clip, 400, 1400)
    info = examine(clip, limits)
    assert info.pts_us.tolist() == list(range(0, 1_000_000, 40_000))
    assert (info.duration_us, info.offset_us, info.health) == (1_000_000, 0, "good")


def test_hidden_packets_are_not_promised(clip):
    show_only(clip, 400, 1400)
    with Source(clip) as source:
        packets = read_packets(source)
    assert len(packets.ticks) == 25 < packets.count


def test_the_richer_of_two_tracks_is_taken_and_needs_a_proxy(tmp_path):
    path = tmp_path / "two.mp4"
    with av.open(str(path), "w") as output:
        streams = [
            output.add_stream("libx264", rate=25, options={"crf": crf}) for crf in ("40", "5")
        ]
        for stream, size in zip(streams, [(80, 48), (160, 96)], strict=True):
            stream.width, stream.height = size
            stream.disposition = Disposition.default
        for number in range(20):
            for stream in streams[: 2 if number < 19 else 1]:
                frame = av.VideoFrame.from_ndarray(picture(number, (stream.width, stream.height)))
                output.mux(stream.encode(frame))
        for stream in streams:
            output.mux(stream.encode())
    info = examine(path, DEFAULT_LIMITS)
    assert (info.width, info.frame_count, info.playable) == (160, 19, False)
    assert "several video tracks" in info.why_not


def test_sound_is_noticed(tmp_path):
    path = replace(Clip(), sound_from_ms=0).write(tmp_path / "loud.mp4")
    assert examine(path, DEFAULT_LIMITS).has_audio


def test_a_stream_that_appears_on_the_way_is_no_obstacle(tmp_path):
    """PyAV's demuxer ends with an IndexError where FFmpeg found another stream while reading."""
    plain = replace(LONG, times_ms=tuple(range(0, 100_000, 100)), options={"g": "10", "bf": "0"})
    path = plain.write(tmp_path / "late.flv")
    with av.open(str(path)) as container:
        places = [packet.pos for packet in container.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    data[places[959]] = 8  # the last picture before a key frame becomes sound
    path.write_bytes(data)
    assert examine(path, DEFAULT_LIMITS).frame_count == 999


def test_a_title_in_an_old_encoding_is_no_obstacle(tmp_path):
    path = Clip(title="Frueh am Morgen").write(tmp_path / "old.mp4")
    path.write_bytes(path.read_bytes().replace(b"Frueh", b"Fr\xfch "))
    assert examine(path, DEFAULT_LIMITS).frame_count == 50


@pytest.mark.fault
def test_a_single_frame_is_a_video(tmp_path):
    path = replace(Clip(), times_ms=(0, 40)).write(tmp_path / "short.mp4")
    show_only(path, 40, 80)
    info = examine(path, DEFAULT_LIMITS)
    assert (info.frame_count, info.duration_us, info.timing) == (1, 40_000, "constant")


@pytest.mark.fault
def test_a_time_lapse_keeps_its_slow_clock(tmp_path):
    slow = replace(Clip(), times_ms=(0, 16_000, 32_000, 48_000))
    info = examine(slow.write(tmp_path / "slow.mp4"), DEFAULT_LIMITS)
    assert info.pts_us.tolist() == slow.times_us
    assert info.fps == pytest.approx(1 / 16, abs=1e-3)


@pytest.mark.fault
def test_a_picture_beyond_the_limit_is_refused_before_it_is_decoded(clip):
    with pytest.raises(UnreadableVideo, match=r"at most 0\.01 million .* has 160 x 96"):
        examine(clip, Limits(max_pixels=10_000))


def test_a_video_beyond_the_longest_duration_is_refused(clip):
    with pytest.raises(UnreadableVideo, match=r"at most 1 s.* lasts 2\.0 s"):
        examine(clip, Limits(max_duration_us=1_000_000))


@pytest.mark.fault
def test_sound_with_cover_art_is_no_video(tmp_path):
    path = tmp_path / "song.m4a"
    with av.open(str(path), "w", format="mp4") as output:
        tone = output.add_stream("aac", rate=48000, layout="mono")
        cover = output.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 160, 96, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        write_tone(output, tone, 0)
        frame = av.VideoFrame.from_ndarray(picture(3)).reformat(format="yuvj420p")
        output.mux([*cover.encode(frame), *cover.encode()])
    with pytest.raises(UnreadableVideo, match="must have pictures"):
        examine(path, DEFAULT_LIMITS)


def test_packed_times_are_unpacked_unchanged():
    times = np.cumsum(np.random.default_rng(0).integers(1, 10**7, 5000))
    assert np.array_equal(unpacked(packed(times)), times)


def test_the_times_of_an_hour_take_few_bytes():
    assert len(packed(np.arange(108_000) * 1_001_000_000 // 30_000_000)) < 20_000
