"""The route table: what each route needs, takes and returns; and the one way through it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Generic, Literal, TypeAlias, TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from services.gateway.domain import Principal, Scope
from shared.errors import NotFound, Rejected
from shared.web import REQUEST_ID, expecting, respond

Access: TypeAlias = Scope | Literal["public"]
Asked = TypeVar("Asked")
Identify: TypeAlias = Callable[[web.Request], Awaitable[Principal]]

PRINCIPAL = web.RequestKey("PRINCIPAL", Principal)
IDENTIFY: web.AppKey[Identify] = web.AppKey("IDENTIFY")

# A pattern may hold braces of its own, one deep: {id:\d{1,19}}.
_PATTERN = re.compile(r"\{(\w+)(:(?:[^{}]|\{[^{}]*\})*)?\}")
_BIGINT_MAX = 2**63 - 1


class Nothing(BaseModel):
    """What a route takes that takes nothing."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[Asked]):
    """One request as a handler sees it: already identified, allowed and parsed."""

    request: web.Request
    asked: Asked

    @property
    def app(self) -> web.Application:
        """The application."""
        return self.request.app

    @property
    def principal(self) -> Principal:
        """Who calls; public routes have nobody."""
        return self.request[PRINCIPAL]

    @property
    def request_id(self) -> str:
        """The id that logs, errors and the audit log share."""
        return self.request[REQUEST_ID]

    def text(self, name: str) -> str:
        """Return a path parameter."""
        return self.request.match_info[name]

    def number(self, name: str) -> int:
        """Return a path parameter that is an id; one that cannot exist is not found."""
        value = int(self.request.match_info[name])
        if value > _BIGINT_MAX:
            raise NotFound(f"no such {name.removesuffix('_id')}")
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """*data* with what surrounds it in the envelope."""

    data: object
    page: Mapping[str, object] | None = None
    meta: Mapping[str, object] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


# A handler takes a Call of its own model; the table pairs the two.
Handler: TypeAlias = Callable[[Call[Any]], Awaitable[Reply | web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the table. There is no default *access*: a route says who may.

    *returns* is None for a page, a redirect, or a body that has one of the *media* types;
    *refusals* are statuses beyond those that follow from the rest of the line. *alias* tells a
    second path to a handler from the first.
    """

    path: str
    handler: Handler
    returns: Any
    _: KW_ONLY
    method: Literal["GET", "POST", "PUT", "DELETE"]
    access: Access
    asks: type[BaseModel] = Nothing
    status: int = 200
    refusals: tuple[int, ...] = ()
    media: tuple[str, ...] = ()
    alias: str = ""

    @property
    def public_path(self) -> str:
        """The path as OpenAPI writes it, without patterns."""
        return _PATTERN.sub(r"{\1}", self.path)

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """The path's parameters: name and pattern, which may be empty."""
        return [(match[1], (match[2] or "")[1:]) for match in _PATTERN.finditer(self.path)]

    @property
    def has_body(self) -> bool:
        """Whether what it takes travels in the body."""
        return self.method in ("POST", "PUT")

    @property
    def tag(self) -> str:
        """The noun it is filed under: the handler's module."""
        return self.handler.__module__.rpartition(".")[2]

    @property
    def summary(self) -> str:
        """The handler's first docstring line."""
        return (self.handler.__doc__ or "").strip().split("\n")[0].rstrip(".")


def added(route: Route) -> web.RouteDef:
    """Return *route* for aiohttp: identify, allow, parse, handle, wrap."""

    async def handled(request: web.Request) -> web.StreamResponse:
        if route.access != "public":
            request[PRINCIPAL] = principal = await request.app[IDENTIFY](request)
            principal.require(route.access)
        asked = await _asked(request, route)
        reply = await route.handler(Call(request=request, asked=asked))
        if isinstance(reply, web.StreamResponse):
            return reply
        return respond(_envelope(reply), status=route.status, headers=reply.headers)

    return web.route(route.method, route.path, handled, expect_handler=expecting)


def _envelope(reply: Reply) -> dict[str, object]:
    body: dict[str, object] = {"ok": True, "data": _plain(reply.data)}
    if reply.page is not None:
        body["page"] = reply.page
    if reply.meta is not None:
        body["meta"] = reply.meta
    return body


def _plain(data: object) -> object:
    if isinstance(data, BaseModel):
        return data.model_dump()
    if isinstance(data, list):
        return [_plain(each) for each in data]
    return data


async def _asked(request: web.Request, route: Route) -> BaseModel:
    _refuse_nul(request)
    try:
        if route.has_body:
            Nothing.model_validate(_query(request))
            return route.asks.model_validate(await _json(request))
        return route.asks.model_validate(_query(request))
    except ValidationError as exc:
        fields = [
            {
                "field": ".".join(map(str, error["loc"])),
                "message": error["msg"].removeprefix("Value error, "),
            }
            for error in exc.errors(include_url=False, include_context=False, include_input=False)
        ]
        raise Rejected(
            "the request is not valid", code="validation_failed", details={"fields": fields}
        ) from exc


def _query(request: web.Request) -> dict[str, str]:
    if len(request.query) != len(set(request.query)):
        raise Rejected("a query parameter is given twice", code="validation_failed")
    return dict(request.query)


def _refuse_nul(request: web.Request) -> None:
    # Postgres holds every character but this one.
    if any("\0" in text for text in (*request.match_info.values(), *request.query.values())):
        raise Rejected("a NUL character is not text", code="validation_failed")


async def _json(request: web.Request) -> object:
    body = await request.read()
    if b"\\u0000" in body:
        raise Rejected("a NUL character is not text", code="validation_failed")
    try:
        return orjson.loads(body) if body else {}
    except orjson.JSONDecodeError as exc:
        raise Rejected("the body is not JSON", code="bad_json") from exc
