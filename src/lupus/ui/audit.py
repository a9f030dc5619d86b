"""Who did what: every write through the API leaves a line in the store and in the server's log."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lupus.ui.access import Visitor
    from lupus.ui.service import Service

log = logging.getLogger("lupus.audit")


def record(
    service: Service, visitor: Visitor, *, project: str, action: str, subject: str, details: Mapping[str, Any]
) -> None:
    """Note that `visitor` did `action` to `subject` of `project` (empty: of none)."""
    from lupus.store.views.rows import AuditEntry

    log.info("%s: %s %s of %s", visitor.id, action, subject, project or "no project")
    entry = AuditEntry(secrets.token_hex(16), project, visitor.id, action, subject, details, datetime.now(UTC))
    service.views.log(entry)
