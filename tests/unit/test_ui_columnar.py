"""Long columns as JSON text: what a JSON parser reads is what went in."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from lupus.ui.columnar import document, short, slugs


def test_a_document_reads_back_as_what_it_was_made_of() -> None:
    numbers = np.array([1.5, np.nan, -np.inf, 0.0, 1e300, -2.5e-12, 120_000.0])
    columns = {"code": np.array([3, -1, 0], np.int32), "y": numbers, "none": np.empty(0)}
    text = document({"name": 'a "quoted"\n☃ \ud800', "list": ["x"]}, columns, {"id": b'["ff"]'})
    assert json.loads(text) == {
        "name": 'a "quoted"\n☃ \ud800', "list": ["x"], "code": [3, -1, 0],
        "y": [1.5, None, None, 0.0, 1e300, -2.5e-12, 120_000.0], "none": [], "id": ["ff"],
    }  # fmt: skip


def test_ids_are_written_as_sixteen_digits() -> None:
    ids = np.array([0, 255, (1 << 63) - 1])
    assert json.loads(slugs(ids)) == [f"{number:016x}" for number in ids.tolist()]
    assert slugs(ids[:0]) == b"[]"


@pytest.mark.parametrize("value", [0.0, 1.0, 99_995.0, -0.00098764, 1e-320, 1.7e308, 123.4567, np.nan, -np.inf])
def test_four_digits_are_kept(value: float) -> None:
    [found] = short(np.array([value]))
    assert found == pytest.approx(value, rel=5.1e-4, nan_ok=True)
    if 1e-5 < abs(value) < 1e9:
        assert f"{found:.4g}" == f"{value:.4g}"
        assert float(f"{found:.4g}") == found


def test_the_first_catalogue_does_not_wait_for_pandas() -> None:
    script = (
        "import sys, numpy as np; from lupus.ui.columnar import document; "
        "print(document({}, {'y': np.array([1.5, np.nan]), 'n': np.arange(2)}, {}).decode(), 'pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == '{"y":[1.5,null],"n":[0,1]} False'
