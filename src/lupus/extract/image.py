"""Brightness, contrast and size of one image. Needs Pillow (``lupus[media]``)."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import Final

from PIL import Image

FORMATS: Final = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
"""What is read: pixels, from decoders that run no code of the file (as PostScript's would)."""

_DEEPEST: Final = 65_535


def measure_image(content: bytes, *, max_pixels: int) -> dict[str, float | int | None]:
    """`brightness`, `contrast` (0 to 1), `width` and `height` (pixels) of the image file in `content`.

    Brightness is the mean luma Y' = 0.299 R' + 0.587 G' + 0.114 B' (ITU-R BT.601, which JPEG uses too) of the
    stored, gamma-encoded values, 1 being white; contrast is its root mean square contrast: the standard deviation of
    luma over the pixels (Peli, "Contrast in complex images", 1990). Transparency is ignored, the first frame of an
    animation counts, width and height are as stored, whatever EXIF says of the orientation. Raises whatever the
    decoder raises for content that is broken or no image, and `ValueError` for more than `max_pixels`, which are
    then not decoded.

    >>> buffer = io.BytesIO()
    >>> Image.new("RGB", (4, 3), (255, 0, 0)).save(buffer, "PNG")
    >>> measure_image(buffer.getvalue(), max_pixels=100)
    {'brightness': 0.2980392156862745, 'contrast': 0.0, 'width': 4, 'height': 3}
    """
    with Image.open(io.BytesIO(content), formats=FORMATS) as image:
        width, height = image.size
        if width * height > max_pixels:
            raise ValueError(f"{width} × {height} pixels are more than {max_pixels}")
        mean, spread = _luma(image)
    return {"brightness": mean, "contrast": spread, "width": width, "height": height}


def _luma(image: Image.Image) -> tuple[float, float]:
    """Mean and standard deviation of luma, both in 0 to 1."""
    if image.mode.startswith("I"):  # 16 bits of grey
        import numpy as np

        pixels = np.asarray(image)
        if pixels.min() < 0 or pixels.max() > _DEEPEST:
            raise ValueError("the values of the image have no fixed range")
        return float(pixels.mean() / _DEEPEST), float(pixels.std() / _DEEPEST)
    if image.mode == "F":
        raise ValueError("the values of the image have no fixed range")
    return _moments(image.convert("L").histogram())


def _moments(counts: Sequence[int]) -> tuple[float, float]:
    """Mean and standard deviation of 256 equal steps from 0 to 1, of which `counts` says how many there are."""
    n = sum(counts)
    mean = sum(level * count for level, count in enumerate(counts)) / n
    variance = sum(count * (level - mean) ** 2 for level, count in enumerate(counts)) / n
    return mean / 255, math.sqrt(variance) / 255
