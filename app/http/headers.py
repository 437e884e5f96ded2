"""What every answer says to a browser and to caches on its way."""

from flask import Flask, Response, request

# The API hands out data and no pages; whatever a browser is tricked into showing may load and run nothing.
_NOTHING = "default-src 'none'; frame-ancestors 'none'"

# Swagger UI lies beside it, draws with inline styles and shows small pictures from data addresses.
_DOCS = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"


def register(app: Flask) -> None:
    """Add the headers to every answer that has not said otherwise itself."""
    app.after_request(_add)


def _add(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "no-referrer")
    if request.is_secure:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    headers.setdefault("Content-Security-Policy", _DOCS if request.path.startswith("/api/docs") else _NOTHING)
    # An answer may be personal: what is public says so itself.
    headers.setdefault("Cache-Control", "private, no-cache" if response.headers.get("ETag") else "no-store")
    if response.mimetype == "application/json" or response.status_code == 304:
        response.vary.add("Accept-Language")
        if not response.cache_control.public:
            response.vary.update(["Authorization", "Cookie"])
    return response
