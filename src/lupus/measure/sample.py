"""A sample of a large slice: what grids and lists of categories are first fixed from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from lupus.model import MeasureError

if TYPE_CHECKING:
    import pyarrow as pa

SAMPLE_ROWS: Final = 50_000
_PIECES: Final = 5


def sample_of(slice_: Path | pa.Table) -> pa.Table:
    """`SAMPLE_ROWS` rows from everywhere in a large slice; always the same ones. Raises `MeasureError`."""
    import pyarrow as pa

    if isinstance(slice_, Path):
        table = _sample_of_file(slice_)
    else:
        size, apart = SAMPLE_ROWS // _PIECES, slice_.num_rows // _PIECES
        table = pa.concat_tables([slice_.slice(apart * number, size) for number in range(_PIECES)])
    # DuckDB reads these from Parquet, but not from Arrow.
    odd = [
        at for at, one in enumerate(table.schema) if pa.types.is_float16(one.type) or pa.types.is_decimal256(one.type)
    ]
    for at in odd:
        table = table.set_column(at, table.schema[at].name, table.column(at).cast(pa.float64()))
    return table


def _sample_of_file(path: Path) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            groups = file.num_row_groups
            chosen = sorted({groups * number // _PIECES for number in range(_PIECES)})
            size = SAMPLE_ROWS // len(chosen)
            return pa.Table.from_batches(
                [next(file.iter_batches(batch_size=size, row_groups=[group])) for group in chosen]
            )
    except (pa.ArrowException, OSError) as error:
        raise MeasureError(f"the snapshot could not be read: {error}") from error
