"""Why a value moved, as the metric's page shows it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lupus.ui.charts import info
from lupus.ui.errors import RefusedError
from lupus.ui.surroundings import rules_of

if TYPE_CHECKING:
    from lupus.store.views.rows import Found
    from lupus.ui.service import Service


def why_answer(service: Service, found: Found, day: str) -> dict[str, Any]:
    """A `WhyOut` as plain values. What cannot be explained says so in `problems`; a day without a value is refused."""
    from lupus.stages import why

    project = service.project(found.project)
    start = service.views.find_interval(found.project, day)
    if start is None:
        raise RefusedError.not_found("interval")
    interval = project.cadence.containing(datetime.fromtimestamp(start, UTC))
    explained = why(service.workspace(), project, found.series.key, interval)
    return {
        "info": info(found.project, found.id, found.series),
        "key": interval.key,
        "clause": explained.clause,
        "baseline": [one.key for one in explained.baseline],
        "splits": [
            {
                "columns": list(columns),
                "change": split.change,
                "contributions": [
                    {
                        "segment": part.segment,
                        "before": part.before.value if part.before else None,
                        "after": part.after.value if part.after else None,
                        "effect": part.total,
                        "share": split.power(part),
                    }
                    for part in split.parts
                ],
            }
            for columns, split in explained.splits.items()
        ],
        "problems": list(explained.problems),
        "moved": [
            {
                "id": one.series.slug,
                "subject": one.series.subject,
                "metric": one.series.metric,
                "score": one.score,
                "sentence": one.sentence,
            }
            for one in explained.moved[:50]
        ],
        "rules": rules_of(found.project, found.series),
    }
