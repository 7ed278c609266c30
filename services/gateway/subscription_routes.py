"""The routes of webhook subscriptions: of a named store, or of the only one there is."""

from __future__ import annotations

from functools import partial

from services.gateway import events
from services.gateway import subscriptions as models
from services.gateway.handlers import subscriptions, webhook_events
from services.gateway.routing import Route
from services.gateway.settings import PREFIX


def _below(path: str, *, alias: str = "", refusals: tuple[int, ...] = ()) -> tuple[Route, ...]:
    get = partial(Route, method="GET", access="read", alias=alias, refusals=refusals)
    ask = partial(Route, access="write", alias=alias, status=202, refusals=(409,))
    return (
        ask(
            f"{path}/setup",
            subscriptions.set_up,
            models.Setup,
            method="POST",
            asks=models.SetupWanted,
        ),
        get(f"{path}/topics", subscriptions.list_topics, list[models.Topic]),
        get(f"{path}/subscriptions", subscriptions.list_subscriptions, list[models.Subscription]),
        ask(
            f"{path}/subscriptions",
            subscriptions.subscribe,
            models.Topic,
            method="POST",
            asks=models.SubscriptionWanted,
        ),
        ask(
            path + r"/subscriptions/{subscription_id:\d{1,19}}",
            subscriptions.unsubscribe,
            models.Topic,
            method="DELETE",
        ),
    )


_ONLY = f"{PREFIX}/webhooks"

SUBSCRIPTION_ROUTES: tuple[Route, ...] = (
    *_below(f"{PREFIX}/stores/{{shop_id}}/webhooks"),
    *_below(_ONLY, alias="of_only_store", refusals=(404, 409)),
    Route(
        f"{_ONLY}/events",
        webhook_events.list_events,
        list[events.Event],
        method="GET",
        access="read",
        asks=events.EventQuery,
        alias="of_only_store",
        refusals=(404, 409),
    ),
)
