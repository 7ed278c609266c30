"""Every route of the API, with who may call it."""

from __future__ import annotations

from functools import partial

from services.gateway import models, resources
from services.gateway.handlers import (
    authorization,
    catalogue,
    consent,
    health,
    identity,
    sales,
    stores,
    sync,
    webhook_events,
)
from services.gateway.routing import Route
from services.gateway.settings import PREFIX

_API = "/api/v1"
_STORE = PREFIX + "/stores/{shop_id}"
_START = PREFIX + "/oauth/start/{state:[A-Za-z0-9_-]{43}}"
_KIND = "/sync/{kind:products|customers|inventory|orders}"
_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


_SHOPIFY = (422, 502, 504)

_get = partial(Route, method="GET", access="read")
_post = partial(Route, method="POST", access="write")

ROUTES: tuple[Route, ...] = (
    _post(f"{_API}/auth/token", identity.issue_token, models.TokenGiven, access="read"),
    _get(f"{_API}/version", health.show_version, models.Version, access="public"),
    _get(f"{_API}/services", health.list_services, list[models.ServiceListed]),
    _post(
        f"{PREFIX}/oauth/authorize",
        authorization.start,
        models.AuthorizationStarted,
        asks=models.Authorization,
    ),
    _get(
        f"{PREFIX}/oauth/authorize",
        authorization.redirect,
        None,
        asks=models.Authorization,
        access="write",
        status=302,
    ),
    _get(_START, consent.show, None, access="public", refusals=(401,)),
    _post(_START, consent.go_on, None, access="public", status=303, refusals=(401,)),
    _get(
        f"{PREFIX}/oauth/callback",
        authorization.finish,
        models.Store,
        asks=models.CallbackParams,
        access="public",
        refusals=(401, 403, 409, *_SHOPIFY),
    ),
    _post(
        f"{PREFIX}/oauth/callback",
        authorization.finish,
        models.Store,
        asks=models.CallbackParams,
        access="public",
        refusals=(401, 403, 409, *_SHOPIFY),
    ),
    _post(
        f"{PREFIX}/oauth/refresh",
        stores.renew_token,
        models.Store,
        asks=models.StoreNamed,
        refusals=(409, *_SHOPIFY),
    ),
    _post(
        f"{PREFIX}/connect",
        stores.connect,
        models.Store,
        asks=models.Connection,
        status=201,
        refusals=(409, *_SHOPIFY),
    ),
    _get(f"{PREFIX}/stores", stores.list_stores, list[models.Store]),
    _get(_STORE, stores.show_store, models.Store),
    Route(_STORE, stores.disconnect, models.Store, method="DELETE", access="write"),
    _post(f"{_STORE}/refresh", stores.renew_store_token, models.Store, refusals=(409, *_SHOPIFY)),
    _get(
        f"{_STORE}/orders",
        catalogue.list_orders,
        list[resources.Order],
        asks=resources.OrderQuery,
    ),
    _get(
        _STORE + r"/orders/{order_id:\d{1,19}}",
        catalogue.show_order,
        resources.OrderDetail,
        asks=resources.OneOrderQuery,
    ),
    _get(
        f"{_STORE}/products",
        catalogue.list_products,
        list[resources.Product],
        asks=resources.ProductQuery,
    ),
    _get(
        _STORE + r"/products/{product_id:\d{1,19}}",
        catalogue.show_product,
        resources.ProductDetail,
    ),
    _get(
        f"{_STORE}/customers",
        catalogue.list_customers,
        list[resources.Customer],
        asks=resources.CustomerQuery,
    ),
    _get(
        _STORE + r"/customers/{customer_id:\d{1,19}}", catalogue.show_customer, resources.Customer
    ),
    _get(
        f"{_STORE}/inventory",
        catalogue.list_inventory,
        list[resources.InventoryLevel],
        asks=resources.InventoryQuery,
    ),
    _post(
        f"{_STORE}/sync",
        sync.start,
        list[models.Job],
        asks=models.SyncWanted,
        status=202,
        refusals=(409,),
    ),
    _get(f"{_STORE}/sync/jobs", sync.list_jobs, list[models.Job], asks=models.JobQuery),
    _get(f"{_STORE}/sync/jobs/{{job_id:{_UUID}}}", sync.show_job, models.Job),
    _get(f"{_STORE}/sync/status", sync.show_status, list[models.SyncStatus]),
    _post(
        f"{_STORE}{_KIND}",
        sync.start_one,
        list[models.Job],
        asks=models.SyncOneWanted,
        status=202,
        refusals=(409,),
    ),
    _get(
        f"{_STORE}/webhooks/events",
        webhook_events.list_events,
        list[models.WebhookEvent],
        asks=models.WebhookQuery,
    ),
    _get(f"{PREFIX}/analytics/sales", sales.show_sales, models.Sales, asks=models.SalesQuery),
    _post(
        f"{PREFIX}/analytics/sales",
        sales.show_sales,
        models.Sales,
        asks=models.SalesQuery,
        access="read",
    ),
    _get(f"{PREFIX}/health", health.show_health, models.Alive, access="public"),
    _get(f"{PREFIX}/health/tokens", health.show_tokens, list[models.TokenHealth]),
    _get(f"{PREFIX}/health/connection", health.try_connections, list[models.ConnectionHealth]),
    _get(f"{PREFIX}/health/summary", health.show_summary, models.HealthSummary),
)
