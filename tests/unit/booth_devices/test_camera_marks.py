"""The mark that a virtual camera burns into its pictures, and the voice of a virtual microphone."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cvq_booth.virtual.camera import FRAMES_MAX, Mark, draw_mark, mark_bits, pictures, read_mark, write_camera
from cvq_booth.virtual.figure import End
from cvq_booth.virtual.voice import RATE_HZ, make_voice, read_voice


def luma(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.convert("L"))


@given(st.sampled_from(End), st.integers(0, FRAMES_MAX - 1))
def test_every_frame_of_both_ends_is_read_back(end: End, frame: int) -> None:
    picture = Image.new("RGB", (160, 120), "grey")
    draw_mark(picture, Mark(end, frame))
    assert read_mark(luma(picture)) == Mark(end, frame)


@pytest.mark.parametrize("width", [640, 320, 200, 120])
@pytest.mark.parametrize("end", End)
def test_the_mark_survives_scaling_and_hard_compression(end: End, width: int) -> None:
    for frame, picture in enumerate(pictures(end, (320, 240), 20)):
        small = BytesIO()
        picture.resize((width, width * 3 // 4)).save(small, "JPEG", quality=25)
        assert read_mark(luma(Image.open(small))) == Mark(end, frame)


def test_neighbouring_frames_differ_in_one_cell_of_the_number() -> None:
    for frame in range(FRAMES_MAX - 1):
        here, there = mark_bits(Mark(End.ADVISOR, frame)), mark_bits(Mark(End.ADVISOR, frame + 1))
        assert sum(a != b for a, b in zip(here[:-5], there[:-5], strict=True)) == 1


def test_one_wrong_cell_makes_a_mark_unbelievable() -> None:
    picture = Image.new("RGB", (320, 240), "grey")
    draw_mark(picture, Mark(End.RESIDENT, 77))
    for cell in range(2, 20):
        spoiled = luma(picture).copy()
        spoiled[:20, cell * 16 : (cell + 1) * 16] = 255 - spoiled[:20, cell * 16 : (cell + 1) * 16]
        assert read_mark(spoiled) is None


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_a_plain_picture_has_no_mark(shade: int) -> None:
    assert read_mark(np.full((240, 320), shade, np.uint8)) is None


def test_the_figure_moves_and_the_two_ends_differ() -> None:
    resident = list(pictures(End.RESIDENT, (320, 240), 12))
    advisor = list(pictures(End.ADVISOR, (320, 240), 12))
    face = (80, 40, 240, 200)
    moved = np.abs(luma(resident[0].crop(face)).astype(int) - luma(resident[3].crop(face)))
    assert moved.mean() > 1
    assert np.abs(luma(resident[0]).astype(int) - luma(advisor[0])).mean() > 10


def test_a_y4m_file_holds_every_frame_at_video_levels(tmp_path: Path) -> None:
    path = write_camera(tmp_path / "camera.y4m", End.ADVISOR, size=(160, 120), fps=10, seconds=2)
    header, _, rest = path.read_bytes().partition(b"\n")
    assert header == b"YUV4MPEG2 W160 H120 F10:1 Ip A1:1 C420jpeg"
    frame_bytes = len(b"FRAME\n") + 160 * 120 * 3 // 2
    assert len(rest) == 20 * frame_bytes
    for number in range(20):
        start = number * frame_bytes + len(b"FRAME\n")
        plane = np.frombuffer(rest[start : start + 160 * 120], np.uint8).reshape(120, 160)
        assert read_mark(plane) == Mark(End.ADVISOR, number)
        assert plane.min() >= 16
        assert plane.max() <= 235


def test_an_mjpeg_file_repeats_frames_to_chromiums_rate(tmp_path: Path) -> None:
    path = write_camera(tmp_path / "camera.mjpeg", End.RESIDENT, size=(160, 120), fps=15, seconds=1)
    data = path.read_bytes()
    assert data.count(b"\xff\xd8\xff") == 30
    assert read_mark(luma(Image.open(BytesIO(data)))) == Mark(End.RESIDENT, 0)


@pytest.mark.parametrize(
    ("name", "size", "fps", "seconds"),
    [
        ("camera.avi", (320, 240), 15, 1),
        ("camera.y4m", (321, 240), 15, 1),
        ("camera.y4m", (320, 10_000), 15, 1),
        ("camera.y4m", (320, 240), 60, 1000),
        ("camera.y4m", (320, 240), 0, 1),
    ],
)
def test_what_cannot_be_filmed_is_refused_and_leaves_no_file(
    tmp_path: Path, name: str, size: tuple[int, int], fps: int, seconds: int
) -> None:
    with pytest.raises(ValueError, match=r"written|frames|ends in"):
        write_camera(tmp_path / name, End.RESIDENT, size=size, fps=fps, seconds=seconds)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("end", End)
def test_each_voice_is_told_from_any_half_second_of_it(end: End) -> None:
    voice = make_voice(end, 4)
    half = RATE_HZ // 2
    assert {read_voice(voice[start : start + half]) for start in range(0, len(voice) - half, half // 2)} == {end}


@pytest.mark.parametrize("end", End)
def test_each_voice_is_told_under_noise_and_through_a_telephone_band(end: End) -> None:
    voice = make_voice(end, 2)[:RATE_HZ]
    noisy = voice + np.random.default_rng(4).normal(0, 0.05, len(voice))
    spectrum = np.fft.rfft(noisy)
    spectrum[3400:] = 0
    assert read_voice(np.fft.irfft(spectrum)) is end


def test_noise_is_nobodys_voice() -> None:
    noise = np.random.default_rng(5).normal(0, 0.2, RATE_HZ)
    assert read_voice(noise) is None
    assert read_voice(np.zeros(RATE_HZ)) is None
