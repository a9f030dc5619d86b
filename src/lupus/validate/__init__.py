"""Validate: a Great Expectations suite on a snapshot to a `Validation`. The only room that imports Great Expectations.

Importing this package is light; Great Expectations (seconds) is imported by the first validation.
"""

from lupus.validate.data_docs import build_data_docs
from lupus.validate.in_place import validate_in_place
from lupus.validate.points import validation_points
from lupus.validate.snapshot import validate_snapshot

__all__ = ["build_data_docs", "validate_in_place", "validate_snapshot", "validation_points"]
