"""Images and sound: values against NumPy and known signals, and every kind of broken file as a row that says so."""

from __future__ import annotations

import io
import math
import struct
import wave
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lupus.extract.audio import FLOOR_DBFS, measure_wav
from lupus.extract.derive import NotDerivedError
from lupus.extract.image import FORMATS, measure_image
from lupus.extract.media import media_compute
from lupus.model import AudioDerivation, Connection, ConnectionNotUsableError, ImageDerivation, MediaFiles

RANDOM = np.random.default_rng(5)
PICTURE = RANDOM.integers(0, 256, (37, 53, 3), dtype=np.uint8)


class Given(dict[str, Connection]):
    def get(self, name: str) -> Connection:  # type: ignore[override]
        if name not in self:
            raise ConnectionNotUsableError(f"connection {name!r} is not defined")
        return self[name]


def encoded(image: Image.Image, format_: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


def image(content: bytes, max_pixels: int = 10_000) -> dict[str, Any]:
    return measure_image(content, max_pixels=max_pixels)


def luma(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype(float) @ np.array([0.299, 0.587, 0.114]) / 255


@pytest.mark.parametrize("format_", ["PNG", "BMP", "TIFF"])
def test_brightness_and_contrast_are_mean_and_deviation_of_luma(format_: str) -> None:
    found = image(encoded(Image.fromarray(PICTURE), format_))
    assert (found["width"], found["height"]) == (53, 37)
    # Pillow rounds each pixel's luma to one of 256 levels.
    assert found["brightness"] == pytest.approx(luma(PICTURE).mean(), abs=0.5 / 255)
    assert found["contrast"] == pytest.approx(luma(PICTURE).std(), abs=0.5 / 255)


@pytest.mark.parametrize("format_", ["JPEG", "WEBP"])
def test_lossy_formats_come_near(format_: str) -> None:
    smooth = np.add.outer(np.arange(60), np.arange(80)).astype(np.uint8)
    found = image(encoded(Image.fromarray(smooth), format_, quality=95))
    assert found["brightness"] == pytest.approx(smooth.mean() / 255, abs=0.02)
    assert found["contrast"] == pytest.approx(smooth.std() / 255, abs=0.02)


def test_grey_is_exact_and_extremes_are_extremes() -> None:
    grey = PICTURE[:, :, 0]
    found = image(encoded(Image.fromarray(grey)))
    assert found["brightness"] == pytest.approx(grey.mean() / 255, rel=1e-12)
    assert found["contrast"] == pytest.approx(grey.std() / 255, rel=1e-12)
    for colour, brightness in (("black", 0.0), ("white", 1.0)):
        assert image(encoded(Image.new("RGB", (5, 5), colour)))["brightness"] == brightness
    half = np.zeros((10, 10), np.uint8)
    half[:, 5:] = 255
    assert image(encoded(Image.fromarray(half)))["contrast"] == 0.5, "no image has more than half black, half white"


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "LA", "I;16"])
def test_every_mode_is_read(mode: str) -> None:
    plain = Image.new("L", (6, 4), 153)  # a colour of every palette
    if mode == "I;16":
        picture = Image.fromarray(np.full((4, 6), 153 * 257, np.uint16))
    else:
        picture = plain.convert("RGB").convert(mode, dither=Image.Dither.NONE) if mode != "LA" else plain.convert("LA")
    found = image(encoded(picture, "TIFF" if mode == "CMYK" else "PNG"))
    assert found["brightness"] == pytest.approx(1.0 if mode == "1" else 0.6, abs=0.01)
    assert found["contrast"] == pytest.approx(0, abs=1e-9)


def bomb(width: int, height: int) -> bytes:
    """A PNG that says that it is huge, in a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


BROKEN = {
    "nothing": b"",
    "text": b"this is no image",
    "truncated": encoded(Image.fromarray(PICTURE))[:-200],
    "only a header": encoded(Image.fromarray(PICTURE))[:40],
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "a bomb": bomb(200_000, 200_000),
    "a small bomb": bomb(9_000, 9_000),
    "floats": encoded(Image.fromarray(np.ones((3, 3), np.float32)), "TIFF"),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_image_is_a_row_that_says_so(content: bytes) -> None:
    compute = media_compute(ImageDerivation("d", MediaFiles("photo"), max_pixels=1_000_000), Given())
    good = encoded(Image.fromarray(PICTURE))
    rows = compute(pa.record_batch({"photo": [content, None, good]})).to_pylist()
    assert rows[0] == {
        "brightness": None,
        "contrast": None,
        "width": None,
        "height": None,
        "bytes": len(content),
        "unreadable": True,
    }
    assert set(rows[1].values()) == {None}, "no photo is not a broken one"
    assert rows[2]["unreadable"] is False
    assert rows[2]["bytes"] == len(good)
    assert rows[2]["width"] == 53


@given(st.binary(max_size=300), st.integers(0, 400), st.sampled_from(FORMATS))
def test_no_damage_crashes(noise: bytes, place: int, format_: str) -> None:
    content = bytearray(encoded(Image.fromarray(PICTURE[:8, :8]), format_))
    content[place : place + len(noise)] = noise
    compute = media_compute(ImageDerivation("d", MediaFiles("photo")), Given())
    (row,) = compute(pa.record_batch({"photo": pa.array([bytes(content)])})).to_pylist()
    assert row["unreadable"] in (True, False)


# ---- Where files may be


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    content = encoded(Image.fromarray(PICTURE))
    for path in (folder / "a.png", folder / "deep" / "b [1]*.png", tmp_path / "secret.png"):
        path.write_bytes(content)
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    (folder / "inside.png").symlink_to(folder / "a.png")
    return folder


def read(photos: Path, *names: str | None, folder: str | None = None, **files: Any) -> list[bool | None]:
    """Whether each of `names` is unreadable."""
    derivation = ImageDerivation("d", MediaFiles("photo", folder or str(photos), **files))
    batch = pa.record_batch({"photo": pa.array(names, pa.string())})
    return [row["unreadable"] for row in media_compute(derivation, Given())(batch).to_pylist()]


def test_paths_are_followed_below_the_folder_only(photos: Path) -> None:
    inside = ["a.png", "./a.png", "deep/b [1]*.png", "deep/../a.png", "inside.png", str(photos / "a.png")]
    assert read(photos, *inside, f"file://{photos}/a.png") == [False] * 7
    outside = [
        *("../secret.png", "link.png", str(photos.parent / "secret.png"), "/etc/passwd", "deep/../../secret.png"),
        *("", ".", "deep", "missing.png", "a.png\0", "http://127.0.0.1/a.png", "file:///etc/passwd", "x" * 5000, "~"),
        *(f"file://{photos.parent}/secret.png", f"{photos}_twin/a.png"),
    ]
    assert read(photos, *outside) == [True] * len(outside)
    assert read(photos, None) == [None]


def test_a_file_that_is_too_large_is_not_read(photos: Path) -> None:
    size = (photos / "a.png").stat().st_size
    assert read(photos, "a.png", max_bytes=size) == [False]
    assert read(photos, "a.png", max_bytes=size - 1) == [True]


def test_any_fsspec_file_system(photos: Path) -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.pipe("/bucket/photos/a.png", encoded(Image.fromarray(PICTURE)))
    memory.pipe("/bucket/secret.png", encoded(Image.fromarray(PICTURE)))
    names = ["a.png", "memory://bucket/photos/a.png", "../secret.png", "memory://bucket/secret.png", "gone.png"]
    assert read(photos, *names, folder="memory://bucket/photos") == [False, False, True, True, True]


@pytest.mark.parametrize(
    ("files", "column", "reason"),
    [
        (MediaFiles("photo"), ["a.png"], "column 'photo' holds text; for paths say the folder"),
        (MediaFiles("photo"), [17], "column 'photo' has type int64; it must hold bytes or paths"),
        (MediaFiles("phto"), [b"x"], "unknown column 'phto'; did you mean 'photo'?"),
        (MediaFiles("photo", "/no/such/folder"), ["a.png"], "there is no folder '/no/such/folder'"),
        (MediaFiles("photo", "memory://x", "bucket"), ["a.png"], "connection 'bucket' is not defined"),
        (MediaFiles("photo", "nosuch://x"), ["a.png"], "'nosuch://x' cannot be reached: ValueError"),
    ],
)
def test_what_cannot_work_for_any_row_fails_the_column(files: MediaFiles, column: list[Any], reason: str) -> None:
    compute = media_compute(ImageDerivation("d", files), Given())
    with pytest.raises(NotDerivedError) as caught:
        compute(pa.record_batch({"photo": pa.array(column)}))
    assert str(caught.value).startswith(reason)


# ---- Sound


def wav(samples: np.ndarray, *, rate: int = 8000, width: int = 2) -> bytes:
    """PCM of `samples`, (frames, channels) between -1 and 1."""
    samples = samples if samples.ndim == 2 else samples[:, None]
    whole = np.clip(np.round(samples * 2 ** (8 * width - 1)), -(2 ** (8 * width - 1)), 2 ** (8 * width - 1) - 1)
    if width == 1:
        data = (whole + 128).astype("u1").tobytes()
    elif width == 3:
        data = b"".join(int(value).to_bytes(3, "little", signed=True) for value in whole.ravel())
    else:
        data = whole.astype(f"<i{width}").tobytes()
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((samples.shape[1], width, rate, 0, "NONE", ""))
        file.writeframes(data)
    return buffer.getvalue()


def sound(content: bytes, silence_dbfs: float = -50) -> dict[str, Any]:
    return measure_wav(content, silence_dbfs=silence_dbfs)


def sine(seconds: float, volume: float = 1.0, rate: int = 8000) -> np.ndarray:
    return volume * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)


@pytest.mark.parametrize(("width", "tolerance"), [(1, 0.05), (2, 1e-3), (3, 1e-3), (4, 1e-3)])
def test_a_full_sine_is_three_decibels_below_full_scale(width: int, tolerance: float) -> None:
    found = sound(wav(sine(1.0), width=width))
    assert found["rms_dbfs"] == pytest.approx(-3.0103, abs=tolerance)
    assert (found["seconds"], found["sample_rate"], found["channels"], found["silence_ratio"]) == (1.0, 8000, 1, 0.0)
    assert sound(wav(sine(1.0, 0.1), width=width))["rms_dbfs"] == pytest.approx(-23.0103, abs=20 * tolerance)


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (44_100, 2), (16_000, 5)])
def test_any_signal_against_the_definition(rate: int, channels: int) -> None:
    samples = RANDOM.normal(size=(rate * 12 + 123, channels)) * np.repeat(
        10 ** RANDOM.uniform(-4, -0.7, rate * 12 + 123)[::1000], 1000
    )[: rate * 12 + 123, None].clip(0, 0.2)
    exact = np.round(samples * 2**15).clip(-(2**15), 2**15 - 1) / 2**15
    found = sound(wav(samples, rate=rate), -45)
    assert found["seconds"] == pytest.approx(len(exact) / rate)
    assert found["rms_dbfs"] == pytest.approx(20 * math.log10(math.sqrt((exact**2).mean())), abs=1e-9)
    size = round(rate * 0.02)
    windows = [exact[at : at + size] for at in range(0, len(exact), size)]
    silent = sum(len(one) for one in windows if 10 * math.log10((one**2).mean() + 1e-300) < -45)
    assert found["silence_ratio"] == pytest.approx(silent / len(exact), abs=1e-12)


def test_silence() -> None:
    assert sound(wav(np.zeros(8000))) == {
        "seconds": 1.0,
        "rms_dbfs": FLOOR_DBFS,
        "silence_ratio": 1.0,
        "sample_rate": 8000,
        "channels": 1,
    }
    half = np.concatenate([sine(0.5, 0.5), np.zeros(4000)])
    assert sound(wav(half))["silence_ratio"] == pytest.approx(0.5)
    nothing = sound(wav(np.zeros(0)))
    assert (nothing["seconds"], nothing["rms_dbfs"], nothing["silence_ratio"]) == (0.0, None, None)


def _patched(content: bytes, place: int, value: bytes) -> bytes:
    return content[:place] + value + content[place + len(value) :]


WAV = wav(sine(0.1))
BROKEN_SOUND = {
    "nothing": b"",
    "text": b"no sound",
    "mp3": b"ID3\x04" + bytes(100),
    "a header": WAV[:20],
    "floats": _patched(WAV, 20, b"\x03\0"),
    "no rate": _patched(WAV, 24, bytes(4)),
    "no channels": _patched(WAV, 22, bytes(2)),
    "odd width": _patched(WAV, 34, b"\x40\0"),
}


@pytest.mark.parametrize("content", BROKEN_SOUND.values(), ids=BROKEN_SOUND)
def test_a_broken_clip_is_a_row_that_says_so(content: bytes) -> None:
    compute = media_compute(AudioDerivation("d", MediaFiles("clip")), Given())
    rows = compute(pa.record_batch({"clip": [content, None, WAV]})).to_pylist()
    assert (rows[0]["unreadable"], rows[0]["seconds"], rows[0]["bytes"]) == (True, None, len(content))
    assert set(rows[1].values()) == {None}
    assert (rows[2]["unreadable"], rows[2]["seconds"]) == (False, 0.1)


def test_a_clip_that_was_cut_off_has_the_length_that_is_there() -> None:
    assert sound(WAV[:-801])["seconds"] == pytest.approx(0.1 - 401 / 8000)


@given(st.binary(max_size=60), st.integers(0, 60))
def test_no_damaged_clip_crashes(noise: bytes, place: int) -> None:
    compute = media_compute(AudioDerivation("d", MediaFiles("clip")), Given())
    batch = pa.record_batch({"clip": pa.array([_patched(WAV, place, noise)])})
    (row,) = compute(batch).to_pylist()
    assert row["unreadable"] in (True, False)
    assert row["rms_dbfs"] is None or row["rms_dbfs"] <= 3.02


def test_bytes_that_are_too_many_are_not_decoded() -> None:
    compute: Callable[[Any], Any] = media_compute(AudioDerivation("d", MediaFiles("clip", max_bytes=10)), Given())
    (row,) = compute(pa.record_batch({"clip": [WAV]})).to_pylist()
    assert row["unreadable"] is True
