"""OpenAPI 3.1 made from the route table; what it says of a route is what the route checks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from services.gateway.models import Page
from services.gateway.routing import Nothing, Route

Schema: TypeAlias = dict[str, Any]

_REF = "#/components/schemas/{model}"
_ERRORS = {
    400: "The request is not valid.",
    401: "No credential, or not a valid one.",
    403: "The credential lacks the scope, or its tenant may not do this.",
    404: "No such thing, or not yours to see.",
    409: "The thing is in a state that does not allow this.",
    413: "The body is over 1 MiB.",
    422: "Shopify refused.",
    500: "A bug; tell us the request id.",
    502: "Shopify failed.",
    503: "Something we depend on is not ready, or Shopify asks us to wait.",
    504: "Shopify did not answer in time.",
}
_PROBLEM: Schema = {
    "type": "object",
    "required": ["ok", "error", "code", "details", "request_id"],
    "properties": {
        "ok": {"const": False},
        "error": {"type": "string"},
        "code": {"type": "string"},
        "details": {"type": "object"},
        "request_id": {"type": "string"},
    },
}


def described(routes: Iterable[Route], *, version: str, server: str) -> Schema:
    """Return the OpenAPI document of *routes*."""
    known = list(routes)
    inputs = _definitions([route.asks for route in known], "validation")
    outputs = _definitions([route.returns for route in known] + [Page], "serialization")
    paths: Schema = {}
    for route in known:
        paths.setdefault(route.public_path, {})[route.method.lower()] = _operation(route, inputs)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tillstream", "version": version},
        "servers": [{"url": server}],
        "paths": paths,
        "components": {
            "schemas": {**inputs, **outputs, "Problem": _PROBLEM},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


def _definitions(kinds: list[Any], mode: JsonSchemaMode) -> Schema:
    adapters = [(index, mode, TypeAdapter(kind)) for index, kind in enumerate(kinds) if kind]
    _, schemas = TypeAdapter.json_schemas(
        adapters, ref_template=_REF, schema_generator=GenerateJsonSchema
    )
    definitions: Schema = schemas.get("$defs", {})
    return definitions


def _operation(route: Route, inputs: Schema) -> Schema:
    operation: Schema = {
        "operationId": _operation_id(route),
        "summary": route.summary,
        "tags": [route.tag],
        "x-scope": route.access,
        "security": [] if route.access == "public" else [{"bearer": []}, {"key": []}],
        "parameters": [*_path_parameters(route), *_query_parameters(route, inputs)],
        "responses": _responses(route),
    }
    if route.has_body and route.asks is not Nothing:
        schema = _ref(route.asks)
        operation["requestBody"] = {
            "required": bool(inputs[route.asks.__name__].get("required")),
            "content": {"application/json": {"schema": schema}},
        }
    return operation


def _operation_id(route: Route) -> str:
    module = route.handler.__module__.rpartition(".")[2]
    kind = "" if route.method == "GET" else f"_{route.method.lower()}"
    alias = f"_{route.alias}" if route.alias else ""
    return f"{module}_{route.handler.__name__}{kind}{alias}"


def _path_parameters(route: Route) -> list[Schema]:
    return [
        {"name": name, "in": "path", "required": True, "schema": _path_schema(pattern)}
        for name, pattern in route.parameters
    ]


def _path_schema(pattern: str) -> Schema:
    return {"type": "string", "pattern": f"^({pattern})$"} if pattern else {"type": "string"}


def _query_parameters(route: Route, inputs: Schema) -> list[Schema]:
    if route.has_body or route.asks is Nothing:
        return []
    model = inputs[route.asks.__name__]
    required = model.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": schema}
        for name, schema in model["properties"].items()
    ]


def _responses(route: Route) -> Schema:
    responses: Schema = {
        str(status): {
            "description": _ERRORS[status],
            "content": {"application/json": {"schema": {"$ref": _REF.format(model="Problem")}}},
        }
        for status in _refusals(route)
    }
    if route.returns is None:
        content: Schema = {media: {"schema": {}} for media in route.media}
        described = {"description": route.summary}
        responses[str(route.status)] = described | ({"content": content} if content else {})
        return responses
    schema = {
        "type": "object",
        "required": ["ok", "data"],
        "properties": {"ok": {"const": True}, "data": _returned(route.returns), **_around(route)},
    }
    responses[str(route.status)] = {
        "description": route.summary,
        "content": {"application/json": {"schema": schema}},
    }
    if route.method == "GET":
        responses["304"] = {"description": "The answer is the one that If-None-Match names."}
    return responses


def _refusals(route: Route) -> list[int]:
    found = {400, 500, 503, *route.refusals}
    if route.access != "public":
        found |= {401, 403}
    if route.parameters or "shop_id" in route.asks.model_fields:
        found.add(404)
    if route.has_body and route.asks is not Nothing:
        found.add(413)
    return sorted(found)


def _returned(returns: Any) -> Schema:
    if isinstance(returns, type) and issubclass(returns, BaseModel):
        return _ref(returns)
    return {"type": "array", "items": _ref(returns.__args__[0])}


def _around(route: Route) -> Schema:
    if "cursor" not in route.asks.model_fields:
        return {}
    return {"page": _ref(Page), "meta": {"type": "object"}}


def _ref(model: type[BaseModel]) -> Schema:
    return {"$ref": _REF.format(model=model.__name__)}
