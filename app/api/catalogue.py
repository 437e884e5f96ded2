"""The catalogue: what may be reported, by when it is dealt with, and the words for it. Open to everybody."""

import hashlib
from collections.abc import Mapping
from typing import Any

from flask import Response, json
from flask.views import MethodView
from marshmallow import Schema, fields

from app.api.viewing import answer
from app.core.errors import Language
from app.http import access, problems
from app.http.access import needs
from app.http.blueprint import Blueprint
from app.http.container import container
from app.http.preconditions import not_modified
from app.identity.permissions import Do
from app.reports import catalogue, words
from app.reports.catalogue import InForce, KindInForce
from app.reports.models import LegalBasis
from app.reports.words import Word

blueprint = Blueprint("catalogue", __name__, description="Danh mục / Catalogue")

# A kind that begins tomorrow may be seen five minutes late.
FRESH = "public, max-age=300"


class NamedSchema(Schema):
    """Something with a code and its name: in the asker's language, and in both."""

    code = fields.String()
    name = fields.String()
    name_vi = fields.String()
    name_en = fields.String()


class LegalSchema(Schema):
    """What a kind rests on today; the fine for an individual in đồng where it is certain. No fine is computed from it."""

    decree = fields.String()
    article = fields.String()
    fine_min_vnd = fields.Integer(allow_none=True)
    fine_max_vnd = fields.Integer(allow_none=True)
    valid_from = fields.Date()
    valid_to = fields.Date(allow_none=True)


class KindSchema(NamedSchema):
    """A concrete violation."""

    field = fields.String()
    photo_required = fields.Boolean()
    legal = fields.List(fields.Nested(LegalSchema))


class TargetSchema(Schema):
    """How long a case may take. What is null describes every case; the most specific row judges.

    The minutes count in the hours of `calendar`; null is round the clock.
    """

    minutes = fields.Integer()
    calendar = fields.String(allow_none=True)
    field = fields.String(allow_none=True)
    kind = fields.String(allow_none=True)
    unit = fields.Integer(allow_none=True)
    urgent = fields.Boolean(allow_none=True)
    valid_from = fields.AwareDateTime()


class QuestionSchema(Schema):
    """A question that residents ask."""

    question = fields.String()
    answer = fields.String()
    question_vi = fields.String()
    question_en = fields.String()
    answer_vi = fields.String()
    answer_en = fields.String()


class CatalogueSchema(Schema):
    """Everything that the phone's app must know before anybody reports."""

    fields_ = fields.List(fields.Nested(NamedSchema), data_key="fields")
    kinds = fields.List(fields.Nested(KindSchema))
    targets = fields.List(fields.Nested(TargetSchema))
    bodies = fields.List(fields.Nested(NamedSchema))
    faq = fields.List(fields.Nested(QuestionSchema))
    states = fields.List(fields.Nested(NamedSchema))
    outcomes = fields.List(fields.Nested(NamedSchema))
    bands = fields.List(fields.Nested(NamedSchema))
    roles = fields.List(fields.Nested(NamedSchema))
    min_app_version = fields.String()


@blueprint.route("/catalogue")
class Catalogue(MethodView):
    """The catalogue of today."""

    @needs(Do.READ_PUBLIC)
    @blueprint.response(200, CatalogueSchema)
    def get(self) -> Response:
        """Fields, kinds, targets, bodies, questions, and the words for states and outcomes

        Names come in the language of `Accept-Language`, and in both as `name_vi` and `name_en`. `ETag` and
        `If-None-Match` spare a phone what it has already.
        """
        language = problems.language()
        today = catalogue.in_force(access.session(), container().settings.city_id, access.now())
        body = _present(today, language)
        tag = hashlib.sha256(json.dumps(body).encode()).hexdigest()[:32]
        response = not_modified(tag) or answer(body, etag=tag)
        response.headers["Cache-Control"] = FRESH
        response.headers["Content-Language"] = language
        response.vary.add("Accept-Language")
        return response


def _present(today: InForce, language: Language) -> dict[str, Any]:
    return {
        "fields": _words(words.FIELDS, language),
        "kinds": [_kind(item, language) for item in today.kinds],
        "targets": [
            {
                "minutes": target.minutes,
                "calendar": target.calendar_code,
                "field": target.field,
                "kind": target.kind_code,
                "unit": target.unit_id,
                "urgent": target.urgent,
                "valid_from": target.valid_from.isoformat(),
            }
            for target in today.targets
        ],
        "bodies": [_named(body.code, Word(body.name_vi, body.name_en), language) for body in today.bodies],
        "faq": [
            {
                "question": Word(asked.question_vi, asked.question_en).in_language(language),
                "answer": Word(asked.answer_vi, asked.answer_en).in_language(language),
                "question_vi": asked.question_vi,
                "question_en": asked.question_en,
                "answer_vi": asked.answer_vi,
                "answer_en": asked.answer_en,
            }
            for asked in today.questions
        ],
        "states": _words(words.STATES, language),
        "outcomes": _words(words.OUTCOMES, language),
        "bands": _words(words.BANDS, language),
        "roles": _words(words.ROLES, language),
        "min_app_version": catalogue.shipped().min_app_version,
    }


def _kind(item: KindInForce, language: Language) -> dict[str, Any]:
    return {
        **_named(item.kind.code, Word(item.kind.name_vi, item.kind.name_en), language),
        "field": item.kind.field,
        "photo_required": item.kind.photo_required,
        "legal": [_legal(basis) for basis in item.legal],
    }


def _legal(basis: LegalBasis) -> dict[str, Any]:
    return {
        "decree": basis.decree,
        "article": basis.article,
        "fine_min_vnd": basis.fine_min_vnd,
        "fine_max_vnd": basis.fine_max_vnd,
        "valid_from": basis.valid_from.isoformat(),
        "valid_to": basis.valid_to.isoformat() if basis.valid_to else None,
    }


def _words(table: Mapping[str, Word], language: Language) -> list[dict[str, str]]:
    return [_named(code, word, language) for code, word in table.items()]


def _named(code: str, word: Word, language: Language) -> dict[str, str]:
    return {"code": code, "name": word.in_language(language), "name_vi": word.vi, "name_en": word.en}
