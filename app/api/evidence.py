"""The evidence bundle of a recorded case: the only door by which originals leave, for its unit's chair."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView
from marshmallow import Schema

from app.api import report_view
from app.api.forms import Text
from app.api.viewing import book, person
from app.http.access import actor, address, needs, now, session
from app.http.blueprint import Blueprint
from app.http.container import container
from app.http.limits import EVIDENCE
from app.identity.permissions import Do
from app.photos.bundle import Bundle
from app.reports import custody, evidence, queries
from app.reports.evidence import Piece

blueprint = Blueprint("evidence", __name__, description="Hồ sơ chứng cứ / Evidence")


class EvidenceSchema(Schema):
    """Why the originals have to leave."""

    reason = Text(2000, required=True)


@blueprint.route("/reports/<uuid:report_id>/evidence")
class Evidence(MethodView):
    """The originals of one case, with what proves them."""

    @needs(Do.MAKE_EVIDENCE)
    @blueprint.arguments(EvidenceSchema)
    @blueprint.response(200, {"type": "string", "format": "binary"}, content_type="application/zip")
    def post(self, given: Mapping[str, Any], report_id: UUID) -> Response:
        """Make the evidence bundle of a recorded case, giving a reason, on record

        A zip: the originals byte for byte, `SHA256SUMS`, `manifest.json`, `timeline.json` and `README.txt`. Who reported
        is not in it. 409 `evidence_needs_record` of any other case, `original_damaged` when the store no longer has
        what was received.
        """
        pieces = custody.evidence_of(session(), report_id, person(), now())
        container().limits.spend(EVIDENCE, actor().person_id, address())
        session().commit()  # no database connection and no lock waits while the originals are read
        bundle = Bundle(now())
        try:
            number = _fill(bundle, report_id, pieces, given["reason"])
            size = bundle.finish()
            session().commit()  # on record before the first byte leaves
        except BaseException:
            bundle.close()
            raise
        response = Response(bundle.read(), mimetype="application/zip")
        response.call_on_close(bundle.close)  # also when nobody reads it
        response.content_length = size
        response.headers["Content-Disposition"] = f'attachment; filename="{number}.zip"'
        return response


def _fill(bundle: Bundle, report_id: UUID, pieces: Sequence[Piece], reason: str) -> str:
    """Put everything in, the record of it made; return the report's number. Nothing is committed yet."""
    files = evidence.named(pieces)
    for name, piece in files.items():
        bundle.add_original(container().photos, piece.sha256, name)
    said = custody.record_evidence(session(), report_id, pieces, reason, by=person(), book=book(), now=now())
    course = queries.course(session(), report_id, all_entries=True)
    steps = [report_view.entry(row, book(), names=True) for row in course]
    texts = {
        evidence.MANIFEST: evidence.as_json(said),
        evidence.TIMELINE: evidence.as_json(evidence.timeline(steps)),
        evidence.README: evidence.readme(said),
    }
    for name, content in texts.items():
        bundle.add(name, content)
    digests = {name: piece.sha256 for name, piece in files.items()}
    bundle.add(
        evidence.SUMS, evidence.sums(digests | {name: evidence.digest(content) for name, content in texts.items()})
    )
    return str(said["report"]["number"])
