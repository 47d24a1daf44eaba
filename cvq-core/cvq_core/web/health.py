"""Is the process alive, can it serve, and how does it do."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import datetime

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, Counter, Histogram, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.errors import Unavailable
from cvq_core.web.context import Context
from cvq_core.web.routes import PUBLIC, Routes

routes = Routes(tag="health")
Figures = Callable[[AsyncSession, datetime], Awaitable[bytes]]
FIGURES: web.AppKey[list[Figures]] = web.AppKey("figures", list)
"""What else `/metrics` shows: figures of the whole installation, read when they are asked for."""

REQUESTS = Counter("cvq_http_requests_total", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram(
    "cvq_http_request_seconds",
    "Time from the request's head to its answer",
    ["route"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)


@routes.get("/livez", access=PUBLIC)
async def livez(context: Context) -> web.Response:
    """Say that the process answers."""
    return web.Response(text="ok\n")


@routes.get("/readyz", access=PUBLIC)
async def readyz(context: Context) -> web.Response:
    """Say whether the database answers, so that requests can be served."""
    try:
        await context.db.execute(text("SELECT 1"))
    except (SQLAlchemyError, OSError):
        raise Unavailable from None
    return web.Response(text="ok\n")


@routes.get("/metrics", access=PUBLIC)
async def metrics(context: Context) -> web.Response:
    """Give the process's and the installation's figures for Prometheus; the reverse proxy keeps them inside."""
    more = [await read(context.db, context.now) for read in context.request.app[FIGURES]]
    body = b"".join([generate_latest(REGISTRY), *more])
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


@web.middleware
async def measure(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Count and time each request under its route, never under an address that names somebody."""
    began = time.perf_counter()
    status = 500
    try:
        response = await handler(request)
        status = response.status
        return response
    finally:
        resource = request.match_info.route.resource
        route = resource.canonical if resource else "unknown"
        REQUESTS.labels(request.method, route, str(status)).inc()
        SECONDS.labels(route).observe(time.perf_counter() - began)
