"""A page's sign-in: the same tokens as a phone's, in cookies that no script can read, worth nothing on other sites.

A browser sends cookies along with whatever page asked for the request, so a change that comes by cookie is only made
when the browser says that one of our own pages asked (Fetch Metadata; `Origin` where a browser has none of it). No
token of its own is needed for that, and none can leak. See ADR 7.
"""

from collections.abc import Collection
from datetime import timedelta
from typing import Final

from flask import Response, request

from app.core.errors import NotPermitted
from app.http.container import container

ACCESS: Final = "haigio_access"
REFRESH: Final = "haigio_refresh"

# Where each is sent: the refresh token to the routes of sessions alone.
_PATHS: Final = {ACCESS: "/api/v1", REFRESH: "/api/v1/sessions"}

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class FromAnotherSite(NotPermitted):
    """A change that came by cookie, and not from a page of ours."""

    code = "cross_site"
    vi = "Yêu cầu này không đến từ trang của chúng tôi nên không được thực hiện."
    en = "This request did not come from one of our own pages, so it was not carried out."


def access_token() -> str | None:
    """The access token that a page's request brought, None when it brought none.

    Raises FromAnotherSite when the request would change something and came from elsewhere.
    """
    token = request.cookies.get(_name(ACCESS))
    if token is not None and request.method not in SAFE:
        require_own_page()
    return token


def earlier_access_token() -> str | None:
    """The access token of whoever was signed in before somebody signs in, run out or not; None when nobody was."""
    return request.cookies.get(_name(ACCESS))


def refresh_token() -> str | None:
    """The refresh token that a page's request brought. Raises FromAnotherSite when it came from elsewhere."""
    token = request.cookies.get(_name(REFRESH))
    if token is not None:
        require_own_page()
    return token


def require_own_page() -> None:
    """Refuse what another site's page sent. Raises FromAnotherSite."""
    own = {request.host_url.rstrip("/"), container().settings.public_url.rstrip("/")}
    if not is_own_page(request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin"), own):
        raise FromAnotherSite


def is_own_page(fetch_site: str | None, origin: str | None, own: Collection[str]) -> bool:
    """Whether a browser says that a page of ours sent a request; `own` is our origins, as https://haigio.example.

    `fetch_site` is the header Sec-Fetch-Site, which pages cannot set and browsers send over HTTPS and to localhost;
    `origin` the header Origin, which they send with every change. Who says neither is no browser that we know.
    """
    if fetch_site is not None:
        return fetch_site == "same-origin"
    return bool(origin) and origin in own


def give(response: Response, *, access: str, refresh: str, stays: timedelta) -> None:
    """Put a sign-in into cookies. The access token's outlives the token: that it has run out is worth knowing."""
    for name, token in ((ACCESS, access), (REFRESH, refresh)):
        response.set_cookie(
            _name(name),
            token,
            max_age=stays,
            path=_PATHS[name],
            secure=_over_tls(),
            httponly=True,
            samesite="Strict",
        )


def take_back(response: Response) -> None:
    """Let the browser forget a sign-in."""
    for name, path in _PATHS.items():
        if _name(name) in request.cookies:
            response.delete_cookie(_name(name), path=path, secure=_over_tls(), httponly=True, samesite="Strict")


def _over_tls() -> bool:
    return request.is_secure or container().settings.env == "production"


def _name(name: str) -> str:
    """The cookie's name: over TLS with a prefix, which a browser lets no page set that came without."""
    return f"__Secure-{name}" if _over_tls() else name
