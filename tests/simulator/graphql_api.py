"""``POST /admin/api/{version}/graphql.json``: tokens, cost, throttling, execution."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
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

from tests.simulator import cost, schema, search
from tests.simulator.faults import STATUSES
from tests.simulator.store import API_VERSIONS, CURRENT, Store, Token

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
_PLAIN = (
    "[API] Non-expiring access tokens are no longer accepted for the Admin API. "
    "Start using expiring offline tokens."
)
_SHELVES = {"inventoryItems": "items"}
_PARSED: dict[str, DocumentNode | list[GraphQLError]] = {}


def served_version(wanted: str) -> str:
    """Shopify's fall-forward: an unknown version gets the oldest supported one."""
    return wanted if wanted in API_VERSIONS else API_VERSIONS[0]


def failure(code: int, version: str = CURRENT, *, retry_after: float = 2.0) -> web.Response:
    headers = {"X-Shopify-API-Version": version}
    if code == 429:
        headers["Retry-After"] = str(retry_after)
    return web.json_response(STATUSES.get(code, {"errors": ""}), status=code, headers=headers)


@dataclass(frozen=True, slots=True)
class Served:
    """A request that may be answered."""

    token: Token
    version: str


async def admitted(
    request: web.Request, store: Store, platform: Any, family: str
) -> Served | web.Response:
    """Let a request of one API *family* in, or answer what keeps it out."""
    version = served_version(request.match_info["version"])
    platform.stats[f"{family} requests"] += 1
    status = await _strike(platform) or store.suspended
    token = store.token(request.headers.get("X-Shopify-Access-Token"))
    if not status and token is None:
        status = 401
    if status or token is None:
        platform.stats[f"{family} status {status}"] += 1
        wait = platform.faults.seconds("admin", "retry_after") or 2.0
        return failure(status, version, retry_after=wait)
    if not token.expires and platform.faults.given("admin", "reject_plain_tokens"):
        platform.stats[f"{family} status 403"] += 1
        return web.json_response({"errors": _PLAIN}, status=403)
    return Served(token, version)


async def answer(
    request: web.Request, store: Store, platform: Any, base_url: str
) -> web.StreamResponse:
    """Answer one GraphQL request for *store*."""
    served = await admitted(request, store, platform, "graphql")
    if isinstance(served, web.Response):
        return served
    try:
        body = orjson.loads(await request.read())
        query = body["query"]
        assert isinstance(query, str)
    except (orjson.JSONDecodeError, KeyError, TypeError, AssertionError):
        return failure(400, served.version)
    call = schema.Call(store, served.token, base_url, platform)
    told = _struck(platform)
    result = told or run(call, query, body.get("variables") or {}, body.get("operationName"))
    if not told and request.headers.get("Shopify-Search-Query-Debug") == "1":
        result.setdefault("extensions", {})["search"] = _searches(call)
    _redact(result, platform.faults)
    headers = {"X-Shopify-API-Version": served.version, "X-Request-Id": f"sim-{id(result):x}"}
    return await _sent(request, platform, orjson.dumps(result), headers)


async def _sent(
    request: web.Request, platform: Any, text: bytes, headers: dict[str, str]
) -> web.StreamResponse:
    """Send the answer whole, mutilated, or only its first half."""
    if platform.faults.strikes("admin", "malformed"):
        text = text[: len(text) // 2]
    if not platform.faults.strikes("admin", "cut"):
        return web.Response(
            body=text, content_type="application/json", charset="utf-8", headers=headers
        )
    response = web.StreamResponse(headers={**headers, "Content-Type": "application/json"})
    response.content_length = len(text)
    await response.prepare(request)
    await response.write(text[: len(text) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


async def _strike(platform: Any) -> int:
    slow = platform.faults.seconds("admin", "slow_seconds")
    fraction = platform.faults.given("admin", "slow")
    if slow and (fraction is None or platform.faults.strikes("admin", "slow")):
        await asyncio.sleep(slow)
    return platform.faults.status() or 0


def _struck(platform: Any) -> dict[str, Any] | None:
    """A failure that Shopify tells with HTTP 200."""
    if platform.faults.strikes("admin", "internal_error"):
        message = (
            "Internal error. Looks like something went wrong on our end.\n"
            "Request ID: sim (include this in support requests)."
        )
        extensions = {"code": "INTERNAL_SERVER_ERROR", "requestId": "sim"}
        return {"errors": [{"message": message, "extensions": extensions}]}
    if platform.faults.strikes("admin", "shop_inactive"):
        extensions = {"code": "SHOP_INACTIVE"}
        return {"errors": [{"message": "Shop is inactive", "extensions": extensions}]}
    return None


def _redact(result: dict[str, Any], faults: Any) -> None:
    """Take away fields as from an app that may not see protected customer data."""
    if not isinstance(result.get("data"), dict) or not faults.strikes("admin", "partial_denied"):
        return
    names = faults.given("admin", "denied_fields") or ["customer"]
    for path in list(_hidden(result["data"], set(names), [])):
        message = (
            "This app is not approved to access the Customer object. See "
            "https://partners.shopify.com/1/apps/1/customer_data for more details."
        )
        error = {"message": message, "path": path, "extensions": {"code": "ACCESS_DENIED"}}
        result.setdefault("errors", []).append(error)


def _hidden(value: Any, names: set[str], path: list[Any]) -> Iterator[list[Any]]:
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    for name, part in list(parts):
        if name in names and part is not None:
            value[name] = None
            yield [*path, name]
        elif isinstance(part, (dict, list)):
            yield from _hidden(part, names, [*path, name])


def _searches(call: schema.Call) -> list[dict[str, Any]]:
    """What ``Shopify-Search-Query-Debug`` adds: each search, and the fields it ignored."""
    found = []
    for path, name, text in call.searches:
        shelf = getattr(call.world, _SHELVES.get(name, name), None)
        if not hasattr(shelf, "getters"):
            continue
        warnings = [
            {
                "field": field,
                "message": "Invalid search field for this query.",
                "code": "invalid_field",
            }
            for field in search.unknown_fields(text, shelf.getters, name)
        ]
        found.append({"path": [path], "query": text, "warnings": warnings})
    return found


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
    call: schema.Call,
    query: str,
    variables: dict[str, Any],
    name: str | None = None,
    *,
    free: bool = False,
) -> dict[str, Any]:
    """Execute one document and return Shopify's response body; *free* takes no points."""
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
    if free:
        requested = 0
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
