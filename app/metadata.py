"""Every table the service has, imported in one place, for whoever needs the whole (migrations, tests)."""

import app.core.audit
import app.core.outbox
import app.enforcement.models
import app.identity.models
import app.notifications.models
import app.photos.models
import app.reports.models
import app.routing.models
import app.targets.models
import geo.wards
from geo.metadata import metadata

TABLES = (
    app.core.audit.AuditEntry,
    app.core.outbox.OutboxMessage,
    app.enforcement.models,
    app.identity.models,
    app.notifications.models,
    app.photos.models,
    app.reports.models,
    app.routing.models,
    app.targets.models,
    geo.wards,
)

__all__ = ["TABLES", "metadata"]
