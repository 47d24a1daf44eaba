"""What keeps other sites and other people's scripts out."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aiohttp import web

from cvq_core.web.context import CSRF_SENT, SERVICES, Context, csrf_token_of
from cvq_core.web.problems import CrossSite

if TYPE_CHECKING:
    from cvq_core.web.routes import Route

CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf_token"

CONTENT_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), geolocation=()",
}


@web.middleware
async def security_headers(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Add the headers that bind a browser to our own pages; nothing personal stays in its cache."""
    response = await handler(request)
    if not response.prepared:
        if response.content_type == "application/pdf":
            # A page prints its papers from a frame of its own.
            response.headers.setdefault("Content-Security-Policy", "frame-ancestors 'self'")
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if not request.path.startswith("/static/"):
            response.headers.setdefault("Cache-Control", "no-store")
        else:
            # Modules import each other without a version: the browser asks whether they are still the same.
            lasting = "public, max-age=31536000, immutable" if "v" in request.query else "no-cache"
            response.headers.setdefault("Cache-Control", lasting)
        if request.app[SERVICES].settings.secure_cookies:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response


def check_same_site(request: web.Request, context: Context, route: Route) -> None:
    """Refuse what another site makes a signed-in browser send.

    A device sends a bearer token, which no browser adds by itself. A browser must say that the request comes from our
    own origin (Origin, Sec-Fetch-Site) and, for what changes anything, send the session's token back.

    Raises:
        CrossSite: it does not.
    """
    # Only a bearer token counts: a browser that knows a password of the reverse proxy adds `Basic` by itself.
    if request.headers.get("Authorization", "").startswith("Bearer "):
        return
    changes = request.method not in ("GET", "HEAD")
    if not changes and not route.socket:
        return
    origin = request.headers.get("Origin")
    own_origins = context.services.settings.origins | {f"{request.scheme}://{request.host}"}
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise CrossSite
    if origin is not None and origin not in own_origins:
        raise CrossSite
    if route.socket:
        if origin is None:
            raise CrossSite
        return
    if context.session_token is None:
        return
    # A form may send the field twice, or anything in it.
    sent = str(request.headers.get(CSRF_HEADER) or request.get(CSRF_SENT, "")).encode(errors="replace")
    if not hmac.compare_digest(sent, csrf_token_of(context.session_token).encode()):
        raise CrossSite
