"""Every route of the API, with who may call it."""

from __future__ import annotations

from functools import partial

from services.gateway import events, models, privacy, resources, syncing
from services.gateway.endpoint_routes import ENDPOINT_ROUTES
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
from services.gateway.handlers import privacy as privacy_requests
from services.gateway.routing import Route
from services.gateway.settings import PREFIX
from services.gateway.subscription_routes import SUBSCRIPTION_ROUTES
from shared.shopify.resources import RESOURCES

_API = "/api/v1"
_STORE = PREFIX + "/stores/{shop_id}"
_START = PREFIX + "/oauth/start/{state:[A-Za-z0-9_-]{43}}"
_OWN_ROUTES = frozenset({"orders", "products", "customers", "inventory"})
_KIND = f"/sync/{{kind:{'|'.join(RESOURCES)}}}"
# Those without a route of their own.
_OTHERS = "|".join(name for name in RESOURCES if name not in _OWN_ROUTES)
_RESOURCE = f"/{{resource:{_OTHERS}}}"
_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


_EVENTS = f"{_STORE}/webhooks/events"
_EVENT = f"{_EVENTS}/{{webhook_id:[^/]{{1,255}}}}"
_PRIVACY = f"{_API}/privacy/requests"
_PRIVACY_REQUEST = f"{_PRIVACY}/{{request_id:{_UUID}}}"
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
        list[syncing.Job],
        asks=syncing.SyncWanted,
        status=202,
        refusals=(409,),
    ),
    _get(f"{_STORE}/sync/jobs", sync.list_jobs, list[syncing.Job], asks=syncing.JobQuery),
    _get(f"{_STORE}/sync/jobs/{{job_id:{_UUID}}}", sync.show_job, syncing.JobDetail),
    _post(
        f"{_STORE}/sync/verify",
        sync.start_verification,
        list[syncing.Job],
        asks=syncing.VerificationWanted,
        status=202,
        refusals=(409,),
    ),
    _get(
        f"{_STORE}/sync/verify/{{job_id:{_UUID}}}",
        sync.show_verification,
        syncing.Verification,
        asks=models.Paging,
    ),
    _get(f"{_STORE}/sync/status", sync.show_status, list[syncing.SyncStatus]),
    _post(
        f"{_STORE}{_KIND}",
        sync.start_one,
        list[syncing.Job],
        asks=syncing.SyncOneWanted,
        status=202,
        refusals=(409,),
    ),
    _get(f"{_STORE}/resources", sync.list_resources, list[syncing.ResourceState]),
    _get(f"{_STORE}/usage", sync.show_usage, list[syncing.DayUsage], asks=syncing.UsageQuery),
    _get(
        f"{_STORE}/schema-drift",
        sync.list_schema_drift,
        list[syncing.SchemaDrift],
        asks=models.Paging,
    ),
    _get(f"{_STORE}/topics", sync.show_topics, syncing.Topics),
    Route(
        f"{_STORE}/topics",
        sync.choose_topics,
        syncing.Topics,
        method="PUT",
        access="write",
        asks=syncing.TopicsWanted,
    ),
    _get(
        f"{_STORE}{_RESOURCE}",
        catalogue.list_objects,
        list[resources.SyncedObject],
        asks=resources.ObjectQuery,
    ),
    _get(
        _STORE + _RESOURCE + r"/{object_id:\d{1,19}}",
        catalogue.show_object,
        resources.SyncedObject,
        asks=resources.OneObjectQuery,
    ),
    _get(f"{_STORE}/freshness", webhook_events.show_freshness, events.Freshness),
    _get(_EVENTS, webhook_events.list_events, list[events.Event], asks=events.EventQuery),
    _get(f"{_EVENTS}/counts", webhook_events.count_events, events.Counts, asks=events.CountQuery),
    _post(
        f"{_EVENTS}/replay",
        webhook_events.replay,
        events.ReplayAsked,
        asks=events.ReplayWanted,
        status=202,
        refusals=(409,),
    ),
    _get(
        _EVENT,
        webhook_events.show_event,
        events.Trace,
        asks=events.OneEventQuery,
        refusals=(409,),
    ),
    _get(
        f"{_EVENT}/trace",
        webhook_events.trace_event,
        events.Trace,
        asks=events.OneEventQuery,
        refusals=(409,),
    ),
    # A body holds what Shopify knows of a customer.
    _get(
        f"{_EVENT}/body",
        webhook_events.show_body,
        None,
        asks=events.OneEventQuery,
        access="admin",
        media=("application/json", "application/xml"),
        refusals=(409,),
    ),
    _post(
        f"{_EVENT}/replay",
        webhook_events.replay_one,
        events.ReplayAsked,
        asks=events.OneReplayWanted,
        status=202,
        refusals=(409,),
    ),
    _get(
        f"{_STORE}/webhooks/replays",
        webhook_events.list_replays,
        list[events.Replay],
        asks=models.Paging,
    ),
    _get(
        f"{_STORE}/webhooks/replays/{{job_id:{_UUID}}}",
        webhook_events.show_replay,
        events.Replay,
    ),
    Route(
        f"{_STORE}/webhooks/replays/{{job_id:{_UUID}}}",
        webhook_events.end_replay,
        events.Replay,
        method="DELETE",
        access="write",
    ),
    _get(
        _PRIVACY,
        privacy_requests.list_requests,
        list[privacy.PrivacyRequest],
        asks=privacy.RequestQuery,
    ),
    _get(_PRIVACY_REQUEST, privacy_requests.show_request, privacy.PrivacyRequest),
    # It holds all that is known of a customer.
    _get(
        f"{_PRIVACY_REQUEST}/export",
        privacy_requests.download_export,
        None,
        access="admin",
        media=("application/jsonl",),
        refusals=(409,),
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
    *SUBSCRIPTION_ROUTES,
    *ENDPOINT_ROUTES,
)
