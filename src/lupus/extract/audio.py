"""Length, volume and silence of one clip, from WAV files: the standard library reads them, NumPy computes."""

from __future__ import annotations

import io
import math
import wave
from typing import Any, Final

FLOOR_DBFS: Final = -120.0
"""What digital silence counts as: below the noise of any converter, and a number, so that means exist."""

_WINDOW_SECONDS: Final = 0.02
_READ_SECONDS: Final = 10


def measure_wav(content: bytes, *, silence_dbfs: float) -> dict[str, float | int | None]:
    """`seconds`, `rms_dbfs`, `silence_ratio`, `sample_rate` (Hz) and `channels` of the PCM WAV file in `content`.

    The volume is 20 log10 of the root mean square of all samples of all channels, full scale being 1: a square wave
    of full scale has 0 dBFS, a sine -3.01 (AES17-2020 adds those 3.01 dB; here nothing is added). It is not below
    `FLOOR_DBFS`. The silence ratio is the share of the time, cut into windows of 20 ms, whose own volume is below
    `silence_dbfs`: the energy threshold of Rabiner and Sambur (1975). A clip without samples has neither. Raises
    `wave.Error`, `EOFError` or `ValueError` for content that is broken or no PCM.

    >>> buffer = io.BytesIO()
    >>> with wave.open(buffer, "wb") as file:
    ...     file.setparams((1, 2, 8000, 0, "NONE", ""))
    ...     file.writeframes(bytes(8000) + (16384).to_bytes(2, "little") * 4000)
    >>> measure_wav(buffer.getvalue(), silence_dbfs=-50)
    {'seconds': 1.0, 'rms_dbfs': -9.030899869919436, 'silence_ratio': 0.5, 'sample_rate': 8000, 'channels': 1}
    """
    import numpy as np

    squares, silent, frames = 0.0, 0, 0
    with wave.open(io.BytesIO(content)) as file:
        rate, channels, width = file.getframerate(), file.getnchannels(), file.getsampwidth()
        if not 0 < rate <= 10_000_000 or not 0 < channels <= 1024:
            raise ValueError(f"{rate} Hz on {channels} channels is no sound")
        window = max(1, round(rate * _WINDOW_SECONDS))
        limit = 10 ** (silence_dbfs / 10)
        # Whole windows at a time, so that a long clip is never held as floating point.
        while data := file.readframes(window * max(1, round(_READ_SECONDS / _WINDOW_SECONDS))):
            samples = _samples(data[: len(data) // (width * channels) * width * channels], width)
            energy = (samples.reshape(-1, channels) ** 2).sum(axis=1)
            for_windows = np.add.reduceat(energy, np.arange(0, len(energy), window)) if len(energy) else energy
            lengths = np.full(len(for_windows), window)
            if len(energy) % window:
                lengths[-1] = len(energy) % window
            squares += float(for_windows.sum())
            silent += int(lengths[for_windows < limit * lengths * channels].sum())
            frames += len(energy)
    return {
        "seconds": frames / rate,
        "rms_dbfs": _decibels(squares / (frames * channels)) if frames else None,
        "silence_ratio": silent / frames if frames else None,
        "sample_rate": rate,
        "channels": channels,
    }


def _samples(data: bytes, width: int) -> Any:
    """The samples in `data` between -1 and 1, as float64."""
    import numpy as np

    if width == 1:  # the only unsigned one
        return (np.frombuffer(data, "u1").astype(np.float64) - 128) / 128
    if width == 3:
        parts = np.frombuffer(data, "u1").reshape(-1, 3).astype(np.int32)
        values = parts[:, 0] | (parts[:, 1] << 8) | (parts[:, 2] << 16)
        return (values - ((values & 0x800000) << 1)) / 2.0**23
    if width not in (2, 4):
        raise ValueError(f"samples of {width} bytes")
    return np.frombuffer(data, f"<i{width}") / 2.0 ** (8 * width - 1)


def _decibels(square: float) -> float:
    return max(10 * math.log10(square), FLOOR_DBFS) if square > 0 else FLOOR_DBFS
