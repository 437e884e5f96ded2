"""No door without a guard: every route of the API names the permission that it asks for."""

from app.identity.permissions import RULES, Do, open_to_all
from app.live.stream import ROUTES, Live


def views(web):
    """Every method of every route: its rule, its verb, and the function that answers."""
    for rule in web.url_map.iter_rules():
        view = web.view_functions[rule.endpoint]
        for verb in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            view_class = getattr(view, "view_class", None)
            yield rule.rule, verb, getattr(view_class, verb.lower()) if view_class else view


# flask-smorest's own: the API's description, which is public and touches no data.
WITHOUT = {("/api/v1/openapi.json", "GET")}


def test_every_route_declares_a_permission(web):
    bare = {(rule, verb) for rule, verb, view in views(web) if not isinstance(getattr(view, "needs", None), Do)}

    assert bare == WITHOUT


def test_only_what_the_design_opens_is_open_without_signing_in(web, as_):
    open_rules = {
        (rule, verb)
        for rule, verb, view in views(web)
        if (do := getattr(view, "needs", None)) and any(clause.relation == "anybody" for clause in RULES[do])
    }

    assert open_rules == {
        ("/api/v1/wards", "GET"),
        ("/api/v1/wards/at", "GET"),
        ("/api/v1/catalogue", "GET"),
        ("/api/v1/sessions/otp", "POST"),
        ("/api/v1/sessions", "POST"),
        ("/api/v1/sessions/refresh", "POST"),
        ("/api/v1/staff/sessions", "POST"),
        ("/api/v1/photos/<sha256>/<any(display, thumb):copy>", "GET"),  # the signed link is the permission
        ("/api/v1/photos/looks/<uuid:look_id>", "GET"),  # the same
        ("/api/v1/public/reports/<uuid:report_id>", "GET"),
        ("/api/v1/public/reports/<uuid:report_id>/photos/<name>", "GET"),
        ("/", "GET"),  # the pages are empty forms, the same for everybody
        ("/desk", "GET"),
        ("/service-worker.js", "GET"),
        ("/board", "GET"),
        ("/web/<tag>/<path:name>", "GET"),
        ("/web/lib/<version>/<name>", "GET"),
        ("/api/docs", "GET"),
        ("/api/docs/start.js", "GET"),
        ("/api/docs/<name>", "GET"),
        ("/api/problems", "GET"),
        ("/health/live", "GET"),
        ("/health/ready", "GET"),
        ("/metrics", "GET"),
    }


def test_what_the_live_process_answers_declares_a_permission_too():
    """Its table of paths is all it answers, and whoever is not open to all is let in by the ticket of a queue's reader."""
    assert all(isinstance(route.needs, Do) and callable(getattr(Live, route.answer)) for route in ROUTES.values())
    assert {path for path, route in ROUTES.items() if open_to_all(route.needs)} == {"/health/live", "/health/ready"}
    assert ROUTES["/live"].needs is Do.READ_QUEUE


def test_every_permission_has_a_rule():
    assert set(RULES) == set(Do)
