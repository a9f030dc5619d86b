"""Columns of vectors: their norms, how far their mean went, and how far their distribution is from the reference's.

They are read a second time, in Arrow batches, for what is summed up are hundreds of numbers for each row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import numpy as np
from numpy.typing import NDArray

from lupus.model import Failure, FailureKind, MeasureError

if TYPE_CHECKING:
    import pyarrow as pa

Vectors = NDArray[np.float64]
Batches = Callable[[], "Iterator[pa.Array]"]

FREQUENCIES: Final = 128
_SEED: Final = 20261121
_SAMPLE: Final = 1_000
_BATCH_ROWS: Final = 4_096
_LARGEST: Final = 1e100
"""Norms beyond it are no embedding's, and their squares would not be numbers."""


@dataclass(frozen=True, slots=True)
class VectorMetric:
    """A metric of a column of vectors."""

    name: str
    unit: str


INVALID: Final = VectorMetric("invalid_ratio", "ratio")
NORM: Final = VectorMetric("norm_mean", "")
SHIFT: Final = VectorMetric("centroid_shift", "rms distance")
MMD: Final = VectorMetric("mmd", "")
VECTOR_METRICS: Final = (INVALID, NORM, SHIFT, MMD)


@dataclass(frozen=True, slots=True)
class VectorSums:
    """Sums over vectors: of themselves (d,), their norms, and their random features (2 · `FREQUENCIES`,).

    `present` vectors are not null; the `valid` ones have the reference's length and finite numbers only.

    >>> (VectorSums(1, 1, 2.0, (2.0,), (1.0,)) + VectorSums(3, 1, 4.0, (4.0,), (0.5,))).vectors
    (6.0,)
    """

    kind: ClassVar[str] = "vectors"
    present: int
    valid: int
    norms: float
    vectors: tuple[float, ...]
    features: tuple[float, ...]

    def __add__(self, other: Self) -> Self:
        if len(self.vectors) != len(other.vectors) or len(self.features) != len(other.features):
            raise MeasureError("sums of vectors of different lengths do not merge")
        return type(self)(
            self.present + other.present,
            self.valid + other.valid,
            self.norms + other.norms,
            tuple(a + b for a, b in zip(self.vectors, other.vectors, strict=True)),
            tuple(a + b for a, b in zip(self.features, other.features, strict=True)),
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "present": self.present,
            "valid": self.valid,
            "norms": self.norms,
            "vectors": list(self.vectors),
            "features": list(self.features),
        }

    @classmethod
    def from_json(cls, payload: Mapping[str, Any]) -> Self:
        sums = (tuple(payload[name]) for name in ("vectors", "features"))
        return cls(payload["present"], payload["valid"], payload["norms"], *sums)


@dataclass(frozen=True, slots=True)
class FoundVectors:
    """What is said of a column: by metric a value with its n, or a failure; and a `reference` fixed from this slice."""

    metrics: Mapping[VectorMetric, tuple[float, int] | Failure] = field(default_factory=dict)
    state: VectorSums | None = None
    reference: Mapping[str, Any] | None = None


def batches_of(rows: Any, column: str) -> Batches:
    """Reads one column of an Arrow table or a Parquet file, batch by batch, as often as it is called."""

    def read() -> Iterator[pa.Array]:
        import pyarrow.parquet as pq

        if isinstance(rows, Path):
            with pq.ParquetFile(rows) as file:
                for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=[column]):
                    yield batch.column(column)
        else:
            for batch in rows.select([column]).to_batches(max_chunksize=_BATCH_ROWS):
                yield batch.column(0)

    return read


def measure_vectors(
    batches: Batches, reference: Mapping[str, Any] | None, *, compare: bool = True, least: int = 50
) -> FoundVectors:
    """The metrics of a column; without a `reference`, one is fixed from it where it has `least` valid vectors or more.

    `centroid_shift` is the distance of the mean vector from the reference's, in units of the root of the mean squared
    distance of the reference's vectors from their mean. `mmd` is the maximum mean discrepancy with a Gaussian kernel
    as wide as the median distance of the reference's vectors (Gretton et al., "A kernel two-sample test", 2012), on
    random Fourier features (Rahimi and Recht, "Random features for large-scale kernel machines", 2007); the unbiased
    estimate, so that no distance is expected where nothing changed, and 0 where it is negative. Both only if `compare`.
    Raises Arrow's errors and `OSError` when the column cannot be read.
    """
    known = reference if reference is not None else _shape_of(batches)
    present, sums = _sums(batches, known)
    if reference is None and known is not None and sums.valid >= max(least, 2):
        mean = np.array(sums.vectors) / sums.valid
        known = {
            **known,
            "n": sums.valid,
            "mean": mean.tolist(),
            "scale": _scale(batches, mean),
            "features": (np.array(sums.features) / sums.valid).tolist(),
        }
        return FoundVectors(_own(present, sums), sums, known)
    found = _own(present, sums)
    if reference is None:
        return FoundVectors(found)
    if compare:
        found |= _compared(sums, reference, least)
    return FoundVectors(found, sums)


def features_of(vectors: Vectors, bandwidth: float) -> Vectors:
    """(n, d) vectors as (n, 2 · `FREQUENCIES`) features of unit norm, whose products are about exp(−|x − y|² / 2 b²).

    >>> x = np.array([[0.0, 0.0], [1.0, 0.0]])
    >>> kernel = features_of(x, 1.0) @ features_of(x, 1.0).T
    >>> round(float(kernel[0, 0]), 6), abs(float(kernel[0, 1]) - float(np.exp(-0.5))) < 0.1
    (1.0, True)
    """
    with np.errstate(all="ignore"):
        angles = np.nan_to_num(vectors @ _frequencies(vectors.shape[1], bandwidth), posinf=0.0, neginf=0.0)
    features: Vectors = np.concatenate([np.cos(angles), np.sin(angles)], axis=1) / np.sqrt(FREQUENCIES)
    return features


def _frequencies(dimension: int, bandwidth: float) -> Vectors:
    # Of NumPy's generators only this one gives the same numbers in every version, and stored sums must stay valid.
    random = np.random.RandomState(_SEED)
    return random.standard_normal((dimension, FREQUENCIES)) / (bandwidth or 1.0)


def _matrix(present: pa.Array, dimension: int) -> Vectors:
    """The valid ones of lists without nulls, as (n, dimension)."""
    import pyarrow.compute as pc

    right = present.filter(pc.equal(pc.list_value_length(present), dimension))
    flat = right.flatten().to_numpy(zero_copy_only=False)
    matrix = np.asarray(flat, dtype=np.float64).reshape(-1, dimension)
    with np.errstate(all="ignore"):
        valid: Vectors = matrix[np.sqrt((matrix**2).sum(axis=1)) < _LARGEST]
    return valid


def _present(array: pa.Array) -> pa.Array:
    import pyarrow as pa

    present = array.drop_null()
    if pa.types.is_list_view(array.type) or pa.types.is_large_list_view(array.type):
        return pa.array(present.to_pylist(), pa.large_list(array.type.value_type))  # its cast gives wrong offsets
    return present


def _shape_of(batches: Batches) -> dict[str, Any] | None:
    """The usual length of the vectors, and their median distance, from a sample from everywhere."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kept: list[pa.Array] = []
    seen, stride = 0, 1
    for batch in batches():
        array = _present(batch)
        kept.append(array.take(pa.array(np.arange(-seen % stride, len(array), stride))))
        seen += len(array)
        while sum(map(len, kept)) > 2 * _SAMPLE:
            whole = pa.concat_arrays(kept)
            kept, stride = [whole.take(pa.array(np.arange(0, len(whole), 2)))], 2 * stride
    sample = pa.concat_arrays(kept) if kept else None
    lengths = [] if sample is None else [length for length in pc.list_value_length(sample).to_pylist() if length]
    if sample is None or not lengths:
        return None
    dimension = int(np.bincount(lengths).argmax())
    vectors = _matrix(sample, dimension)
    return {"dimension": dimension, "bandwidth": _median_distance(vectors)}


def _median_distance(vectors: Vectors) -> float:
    if len(vectors) < 2:
        return 0.0
    around = vectors - vectors.mean(axis=0)
    squares = (around**2).sum(axis=1)
    pairs = np.triu_indices(len(around), k=1)
    distances = np.sqrt(np.maximum(squares[:, None] + squares - 2 * around @ around.T, 0.0)[pairs])
    # Where most are copies of each other, those that are not tell the width.
    return float(np.median(distances)) or float(np.sqrt((distances**2).mean()))


def _sums(batches: Batches, known: Mapping[str, Any] | None) -> tuple[int, VectorSums]:
    """How many vectors there are, and the sums over the valid ones."""
    dimension = int(known["dimension"]) if known is not None else 0
    bandwidth = float(known["bandwidth"]) if known is not None else 1.0
    present = valid = 0
    norms, total, features = 0.0, np.zeros(dimension), np.zeros(2 * FREQUENCIES)
    for batch in batches():
        array = _present(batch)
        present += len(array)
        vectors = _matrix(array, dimension) if dimension else np.zeros((0, 0))
        if len(vectors):
            valid += len(vectors)
            norms += float(np.sqrt((vectors**2).sum(axis=1)).sum())
            total += vectors.sum(axis=0)
            features += features_of(vectors, bandwidth).sum(axis=0)
    return present, VectorSums(present, valid, norms, tuple(total.tolist()), tuple(features.tolist()))


def _scale(batches: Batches, mean: Vectors) -> float:
    """The root of the mean squared distance from `mean`; in a pass of its own, so that no digits are lost."""
    squares, count = 0.0, 0
    for batch in batches():
        vectors = _matrix(_present(batch), len(mean))
        squares += float(((vectors - mean) ** 2).sum())
        count += len(vectors)
    return float(np.sqrt(squares / count))


def _own(present: int, sums: VectorSums) -> dict[VectorMetric, tuple[float, int] | Failure]:
    if not present:
        return dict.fromkeys((INVALID, NORM), Failure(FailureKind.UNDEFINED, "all values are null"))
    invalid = ((present - sums.valid) / present, present)
    if not sums.valid:
        lost = Failure(FailureKind.UNDEFINED, "no vector has the usual length and finite numbers only")
        return {INVALID: invalid, NORM: lost}
    return {INVALID: invalid, NORM: (sums.norms / sums.valid, sums.valid)}


def _compared(
    sums: VectorSums, reference: Mapping[str, Any], least: int
) -> dict[VectorMetric, tuple[float, int] | Failure]:
    n, m = sums.valid, int(reference["n"])
    if n < max(least, 2):
        reason = f"there are {n} valid vectors, fewer than the {max(least, 2)} of metrics.drift.min_rows"
        return dict.fromkeys((SHIFT, MMD), Failure(FailureKind.UNDEFINED, reason))
    scale = float(reference["scale"])
    if not scale:
        reason = "all vectors of the reference are equal: they have no spread"
        return dict.fromkeys((SHIFT, MMD), Failure(FailureKind.UNDEFINED, reason))
    distance = np.linalg.norm(np.array(sums.vectors) / n - np.array(reference["mean"]))
    x, y = np.array(sums.features) / n, np.array(reference["features"])
    # Features have the norm 1, so that leaving out the pairs of a vector with itself takes 1 of each.
    squared = (n * x @ x - 1) / (n - 1) + (m * y @ y - 1) / (m - 1) - 2 * x @ y
    return {SHIFT: (float(distance) / scale, n), MMD: (float(np.sqrt(max(squared, 0.0))), n)}
