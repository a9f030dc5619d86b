"""Reads for screens: columns instead of objects, a fixed number of statements however many series there are."""

from __future__ import annotations

from lupus.store.views.views import Views

__all__ = ["Views"]
