"""Makes the files of the vision example: per day the scans, the model's answers and the truth.

The scans are real: the 1,797 handwritten digits of 8 × 8 pixels that come with scikit-learn. What is made up is the
calendar: every day shows a random portion of those that the models were not trained on. On the days of `DIM_LAMP` the
scanner's lamp gives half of its light, on `TORN` some files are cut off on their way, and from `SECOND_MODEL` on a
second model, trained on more scans, answers.

    python examples/vision/make_files.py [--to FOLDER] [--days 28]
"""

from __future__ import annotations

import argparse
import io
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

FIRST: Final = date(2026, 1, 1)
DAYS: Final = 28
DIM_LAMP: Final = (date(2026, 1, 21), date(2026, 1, 22))
TORN: Final = date(2026, 1, 26)
SECOND_MODEL: Final = date(2026, 1, 13)
_A_DAY: Final = 200
_HELD_OUT: Final = 797


def main() -> None:
    """Reads the arguments and writes the files."""
    parser = argparse.ArgumentParser(description="Make the files of the vision example.")
    parser.add_argument("--to", type=Path, default=Path(__file__).parent / "files", help="the folder to write to")
    parser.add_argument("--days", type=int, default=DAYS, help="how many days")
    arguments = parser.parse_args()
    make(arguments.to, days=arguments.days)
    sys.stdout.write(f"{arguments.days} days in {arguments.to}\n")


def make(folder: Path, *, days: int = DAYS) -> None:
    """Writes `days` days below `folder`, the same on every call."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    random = np.random.default_rng(42)
    order = random.permutation(len(digits.target))
    pixels, even = digits.data[order] / 16, digits.target[order] % 2 == 0
    train = len(even) - _HELD_OUT
    models = {name: _trained(pixels[:size], even[:size]) for name, size in (("v1", train // 2), ("v2", train))}
    for number in range(days):
        day = FIRST + timedelta(days=number)
        shown = train + random.integers(0, _HELD_OUT, _A_DAY)
        # No two scans of a form are equally bright.
        light = random.normal(1.0, 0.04, (_A_DAY, 1)) * (0.5 if day in DIM_LAMP else 1.0)
        seen = (pixels[shown] * light).clip(0, 1)
        images = [_png(one) for one in seen]
        if day == TORN:
            images = [one[: len(one) // 2] if place % 8 == 0 else one for place, one in enumerate(images)]
        name = "v2" if day >= SECOND_MODEL else "v1"
        ids = [f"{day:%m%d}-{place:03d}" for place in range(_A_DAY)]
        answers = models[name].predict_proba(seen)[:, 1]
        _write(folder / "scans", day, {"scan_id": ids, "image": images})
        _write(folder / "answers", day, {"scan_id": ids, "p_even": answers, "model": [name] * _A_DAY})
        _write(folder / "truth", day, {"scan_id": ids, "even": even[shown]})


def _trained(pixels: Any, even: Any) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=1000).fit(pixels, even)


def _png(pixels: Any) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray((pixels.reshape(8, 8) * 255).round().astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def _write(folder: Path, day: date, columns: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), folder / f"{day}.parquet")


if __name__ == "__main__":
    main()
