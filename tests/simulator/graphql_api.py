"""``POST /admin/api/{version}/graphql.json``: tokens, cost, throttling, execution."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import orjson
from aiohttp import web
from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    OperationDefinitionNode,
    execute,
    parse,
    validate,
)

from tests.simulator import cost, schema
from tests.simulator.faults import STATUSES
from tests.simulator.store import API_VERSIONS, CURRENT, Store

_THROTTLED = {
    "message": "Throttled",
    "extensions": {
        "code": "THROTTLED",
        "documentation": "https://shopify.dev/api/usage/limits#rate-limits",
    },
}
_CODES = (
    ("Cannot query field", "undefinedField"),
    ("Unknown argument", "argumentNotAccepted"),
    ("of required type", "missingRequiredArguments"),
    ("Expected value of type", "argumentLiteralsIncompatible"),
)
_PARSED: dict[str, DocumentNode | list[GraphQLError]] = {}


def served_version(wanted: str) -> str:
    """Shopify's fall-forward: an unknown version gets the oldest supported one."""
    return wanted if wanted in API_VERSIONS else API_VERSIONS[0]


def failure(code: int, version: str = CURRENT) -> web.Response:
    headers = {"X-Shopify-API-Version": version}
    if code == 429:
        headers["Retry-After"] = "2.0"
    return web.json_response(STATUSES.get(code, {"errors": ""}), status=code, headers=headers)


async def answer(request: web.Request, store: Store, platform: Any, base_url: str) -> web.Response:
    """Answer one Admin API request for *store*."""
    version = served_version(request.match_info["version"])
    platform.stats["graphql requests"] += 1
    struck = await _strike(platform)
    if struck or store.suspended:
        platform.stats[f"graphql status {struck or store.suspended}"] += 1
        return failure(struck or store.suspended, version)
    token = store.token(request.headers.get("X-Shopify-Access-Token"))
    if token is None:
        platform.stats["graphql status 401"] += 1
        return failure(401, version)
    try:
        body = orjson.loads(await request.read())
        query = body["query"]
        assert isinstance(query, str)
    except (orjson.JSONDecodeError, KeyError, TypeError, AssertionError):
        return failure(400, version)
    call = schema.Call(store, token, base_url, platform)
    result = run(call, query, body.get("variables") or {}, body.get("operationName"))
    text = orjson.dumps(result)
    if platform.faults.strikes("admin", "malformed"):
        text = text[: len(text) // 2]
    return web.Response(
        body=text,
        content_type="application/json",
        charset="utf-8",
        headers={"X-Shopify-API-Version": version, "X-Request-Id": f"sim-{id(result):x}"},
    )


async def _strike(platform: Any) -> int:
    slow = platform.faults.seconds("admin", "slow_seconds")
    if slow:
        await asyncio.sleep(slow)
    return platform.faults.status() or 0


def _document(query: str) -> DocumentNode | list[GraphQLError]:
    """Parse and validate; the same text is read once."""
    if query not in _PARSED:
        if len(_PARSED) > 500:
            _PARSED.clear()
        try:
            document = parse(query)
        except GraphQLError as error:
            _PARSED[query] = [error]
        else:
            errors = validate(schema.admin_schema(), document)
            _PARSED[query] = errors or document
    return _PARSED[query]


def run(
    call: schema.Call, query: str, variables: dict[str, Any], name: str | None = None
) -> dict[str, Any]:
    """Execute one document and return Shopify's response body."""
    document = _document(query)
    if isinstance(document, list):
        return {"errors": [_invalid(error) for error in document]}
    operation = _operation(document, name)
    fragments = {
        one.name.value: one
        for one in document.definitions
        if isinstance(one, FragmentDefinitionNode)
    }
    estimate = cost.Estimate(schema.admin_schema(), operation, fragments, variables)
    requested = estimate.requested()
    if requested > cost.LARGEST:
        call.platform.stats["graphql too dear"] += 1
        return _too_dear(requested)
    bucket = call.store.bucket
    if call.platform.faults.strikes("admin", "throttle") or not bucket.take(requested):
        call.platform.stats["graphql throttled"] += 1
        return {"errors": [_THROTTLED], "extensions": _cost(requested, None, bucket)}
    result = execute(
        schema.admin_schema(),
        document,
        context_value=call,
        variable_values=variables,
        operation_name=name,
        field_resolver=schema.resolve,
    )
    actual = min(requested, estimate.actual(result.data))
    bucket.give_back(requested - actual)
    call.platform.stats["graphql points"] += actual
    body: dict[str, Any] = {"data": result.data}
    if result.errors:
        body["errors"] = [_failed(error, call) for error in result.errors]
    body["extensions"] = _cost(requested, actual, bucket)
    return body


def _operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    found = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    return next((one for one in found if one.name and one.name.value == name), found[0])


def _cost(requested: int, actual: int | None, bucket: Any) -> dict[str, Any]:
    return {
        "cost": {
            "requestedQueryCost": requested,
            "actualQueryCost": actual,
            "throttleStatus": bucket.status(),
        }
    }


def _too_dear(requested: int) -> dict[str, Any]:
    message = (
        f"Query cost is {requested}, which exceeds the single query max cost limit "
        f"({cost.LARGEST}). See https://shopify.dev/concepts/about-apis/rate-limits for more "
        "information on how the cost of a query is calculated."
    )
    extensions = {
        "code": "MAX_COST_EXCEEDED",
        "cost": requested,
        "maxCost": cost.LARGEST,
        "documentation": "https://shopify.dev/api/usage/limits#rate-limits",
    }
    return {"errors": [{"message": message, "extensions": extensions}]}


def _invalid(error: GraphQLError) -> dict[str, Any]:
    code = next((code for text, code in _CODES if text in error.message), "GRAPHQL_VALIDATION")
    places = [{"line": one.line, "column": one.column} for one in error.locations or []]
    return {"message": error.message, "locations": places, "extensions": {"code": code}}


def _failed(error: GraphQLError, call: schema.Call) -> dict[str, Any]:
    body = json.loads(json.dumps(error.formatted))
    if error.original_error is not None and not body.get("extensions"):
        call.platform.note_crash(error.original_error)
        body["extensions"] = {"code": "INTERNAL_SERVER_ERROR", "requestId": "sim"}
    return dict(body)
