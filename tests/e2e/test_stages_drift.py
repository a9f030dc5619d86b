"""Drift of the tiny product, through all stages: an injected shift is seen, a day run again changes nothing."""

from __future__ import annotations

import sqlite3

import pytest

import tiny
from installation import Installation
from lupus.model import MetricPoint

DAYS = 7
DRIFT = """\
metrics:
  drift:
    metrics: [psi, js, ks, wasserstein]
    against: [reference, trailing]
    reference: {intervals: 5}
    trailing: 4
"""


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    installation = Installation.tiny(tmp_path_factory.mktemp("drift") / "tiny", days=DAYS + 1)
    installation.add_project("loans", tiny.PROJECT + DRIFT)
    with sqlite3.connect(installation.warehouse) as warehouse:
        # On the last day all incomes are in another currency, and a third of the regions are new.
        warehouse.execute("UPDATE loans SET income = income * 1.3 WHERE day = ?", (tiny.day(DAYS - 1),))
        warehouse.execute("UPDATE loans SET region = 'east' WHERE day = ? AND loan_id % 3 = 0", (tiny.day(DAYS - 1),))
    warehouse.close()
    installation.run(*map(tiny.day, range(DAYS)))
    return installation


def drifts(installation: Installation, number: int) -> dict[tuple[str, str, str], MetricPoint]:
    return {
        (key.table, key.column, key.metric): point
        for point in installation.points(tiny.day(number))
        if "baseline" in point.series.tags
        for key in (point.series.key,)
    }


def test_a_shift_is_seen_where_it_is_and_nowhere_else(product: Installation) -> None:
    ordinary, shifted = drifts(product, DAYS - 2), drifts(product, DAYS - 1)
    assert set(ordinary) == set(shifted)
    for suffix in ("", "@trailing"):
        for metric, limit in (("psi", 0.5), ("js", 0.25), ("ks", 0.4), ("wasserstein", 1.2)):
            point = shifted["data", "income", f"{metric}{suffix}"]
            assert point.low is not None, metric
            assert point.low > limit, metric
        new_region = shifted["data", "region", f"js{suffix}"]
        assert new_region.low is not None
        assert new_region.low > 0.25
    changed = {("data", "income"), ("data", "region")}
    for found in (ordinary, shifted):
        calm = {name: one for name, one in found.items() if found is ordinary or name[:2] not in changed}
        assert len(calm) >= 16
        for (_, column, metric), point in calm.items():
            assert point.low is not None
            assert point.low < 0.1, (column, metric)


def test_a_day_run_again_leaves_every_row_as_it_was(product: Installation) -> None:
    before = product.dump()
    product.run(tiny.day(DAYS - 1), tiny.day(2))
    assert product.dump() == before
