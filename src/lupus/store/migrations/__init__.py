"""Alembic migrations of the metric store. A released one is never edited; a change is a new revision."""
