"""The OpenAPI 3.1 document, made from the declared routes and their pydantic models."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from cvq_core.web.context import Context
from cvq_core.web.routes import PUBLIC, Route, Routes, declared_routes

routes = Routes(tag="api")
REF = "#/components/schemas/{model}"

PROBLEM = {
    "type": "object",
    "description": "RFC 9457",
    "required": ["type", "title", "status", "slug"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "slug": {"type": "string"},
        "detail": {"type": "string"},
        "fields": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}


@routes.get("/api/openapi.json", access=PUBLIC)
async def openapi(context: Context) -> web.Response:
    """Give the description of the programming interface."""
    return web.json_response(document(declared_routes(context.request.app)))


def document(declared: Iterable[Route]) -> dict[str, Any]:
    """Return the OpenAPI document of the routes under /api/."""
    api = [route for route in declared if route.path.startswith("/api/v1/") and not route.socket]
    models: list[type[BaseModel]] = sorted(
        {model for route in api for model in (route.body, route.answer) if model is not None},
        key=lambda model: (model.__name__, model.__module__),
    )
    # Two subjects may name a model alike: pydantic then tells them apart, and says how.
    named, schemas = models_json_schema([(model, "validation") for model in models], ref_template=REF)
    schema_of = {model: schema for (model, _), schema in named.items()}
    paths: dict[str, dict[str, Any]] = {}
    for route in sorted(api, key=lambda route: (route.path, route.method)):
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {"title": "CVQ", "version": "1", "license": {"name": "AGPL-3.0-or-later"}},
        "paths": paths,
        "components": {
            "schemas": {**schemas.get("$defs", {}), "Problem": PROBLEM},
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": "cvq_session"},
                "device": {"type": "http", "scheme": "bearer"},
            },
        },
    }


Schemas = Mapping[Any, dict[str, Any]]


def _operation(route: Route, schema_of: Schemas) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": f"{route.tag}-{getattr(route.handler, '__name__', 'operation')}".replace("_", "-"),
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in re.findall(r"{(\w+)}", route.path)
        ],
        "responses": {
            str(route.status): _answer(route, schema_of),
            "default": {
                "description": "refused",
                "content": {"application/problem+json": {"schema": {"$ref": REF.format(model="Problem")}}},
            },
        },
        "x-permission": str(route.access),
    }
    if route.access != PUBLIC:
        operation["security"] = [{"session": []}, {"device": []}]
    if route.method != "GET" and not route.upload:
        operation["parameters"].append(
            {"name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string"}}
        )
    if route.body:
        content = {"application/json": {"schema": schema_of[route.body]}}
        operation["requestBody"] = {"required": True, "content": content}
    elif route.upload:
        content = {"multipart/form-data": {"schema": {"type": "object"}}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _answer(route: Route, schema_of: Schemas) -> dict[str, Any]:
    if route.answer is None:
        return {"description": "done"}
    return {"description": "done", "content": {"application/json": {"schema": schema_of[route.answer]}}}
