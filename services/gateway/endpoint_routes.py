"""The routes of outgoing webhooks."""

from __future__ import annotations

from functools import partial

from services.gateway import endpoints as models
from services.gateway.handlers import endpoints
from services.gateway.routing import Route

_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_ALL = "/api/v1/endpoints"
_ONE = f"{_ALL}/{{endpoint_id:{_UUID}}}"
_MESSAGES = f"{_ONE}/messages"

_get = partial(Route, method="GET", access="read")
# Who adds an endpoint decides where a tenant's events go.
_post = partial(Route, method="POST", access="admin")

ENDPOINT_ROUTES: tuple[Route, ...] = (
    _get(_ALL, endpoints.list_endpoints, list[models.Endpoint]),
    _post(
        _ALL,
        endpoints.add_endpoint,
        models.EndpointSecret,
        asks=models.EndpointWanted,
        status=201,
        refusals=(409,),
    ),
    _get(_ONE, endpoints.show_endpoint, models.Endpoint),
    Route(
        _ONE,
        endpoints.change_endpoint,
        models.Endpoint,
        method="PUT",
        access="admin",
        asks=models.EndpointWanted,
    ),
    Route(_ONE, endpoints.delete_endpoint, models.Endpoint, method="DELETE", access="admin"),
    _post(
        f"{_ONE}/rotate", endpoints.rotate_secret, models.EndpointSecret, asks=models.RotationWanted
    ),
    _post(f"{_ONE}/enable", endpoints.enable_endpoint, models.Endpoint),
    _post(f"{_ONE}/disable", endpoints.disable_endpoint, models.Endpoint),
    _post(
        f"{_ONE}/ping",
        endpoints.ping,
        models.MessageDetail,
        access="write",
        status=202,
        refusals=(409,),
    ),
    _get(_MESSAGES, endpoints.list_messages, list[models.Message], asks=models.MessageQuery),
    _get(f"{_MESSAGES}/{{event_id:{_UUID}}}", endpoints.show_message, models.MessageDetail),
    _post(
        f"{_ONE}/replay",
        endpoints.replay,
        models.Replayed,
        asks=models.ResendWanted,
        access="write",
        status=202,
    ),
)
