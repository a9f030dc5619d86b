"""The noise unit of a series: from the tails of its expectation's own errors."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from lupus.judge.rolling import count_at, quantiles, trailing

Floats = NDArray[np.float64]

_TAILS: Final = {0.9: 1.645, 0.95: 1.960, 0.98: 2.326}  # of the sizes of errors; what they are for Gaussian ones
_FEW: Final = 4
_ALIKE: Final = 0.15  # the median of errors that are alike, in their q90; 0.41 for Gaussian ones
_INCIDENT: Final = 5.0


def tail_noise(errors: Floats, at: NDArray[np.intp], memory: int) -> tuple[Floats, NDArray[np.int64]]:
    """The noise unit (S, A) at columns `at`, and how many of the last `memory` `errors` (S, T), sizes, made it.

    The mean of q90 / 1.645, q95 / 1.960 and q98 / 2.326, each of which is one standard deviation for Gaussian errors,
    widened by 1 + 4/count.
    """
    count = count_at(~np.isnan(errors), memory, at)
    # What came once is no habit: the largest error is above every quantile.
    most = 1 - 1 / np.maximum(count - 1, 1)
    shares = [np.minimum(share, most) for share in _TAILS]
    middle, *tails = quantiles(trailing(errors, memory)[:, at], count, [0.5, *shares])
    units = [tail / normal for tail, normal in zip(tails, _TAILS.values(), strict=True)]
    # Nor is one incident of some days, where errors are usually alike. Where most are next to nothing, rare large ones
    # are how the series is.
    habit = np.where(middle > _ALIKE * tails[0], _INCIDENT * units[0], np.inf)
    noise = np.mean([np.minimum(unit, habit) for unit in units], axis=0)
    return noise * (1 + _FEW / np.maximum(count, 1)), count
