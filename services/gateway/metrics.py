"""The gateway's metrics."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from prometheus_client import Counter, Gauge

from shared.errors import Rejected, Unavailable

OAUTH_FLOWS_TOTAL = Counter(
    "tillstream_gateway_oauth_flows_total",
    "OAuth callbacks by result: connected, or the error's code.",
    ["result"],
)
RENEWALS_TOTAL = Counter(
    "tillstream_gateway_token_renewals_total",
    "Token renewals by outcome: renewed, or the error's code.",
    ["outcome"],
)
DEPARTURES_TOTAL = Counter(
    "tillstream_gateway_departures_total",
    "Notices of an uninstalled app by what Shopify said when asked: left, alive, or the error's"
    " code.",
    ["outcome"],
)
CREDENTIALS_REFUSED_TOTAL = Counter(
    "tillstream_gateway_credentials_refused_total",
    "Keys and tokens that were refused, by reason.",
    ["reason"],
)
DATABASE_BYTES = Gauge(
    "tillstream_database_bytes", "Size of the database with all that is in it, every minute."
)
TABLE_BYTES = Gauge(
    "tillstream_table_bytes",
    "Size of a table with its indexes and large values, by schema and name, every minute.",
    ["table"],
)


@contextlib.contextmanager
def counted_flow() -> Iterator[None]:
    """Count one OAuth callback by how it ends."""
    try:
        yield
    except (Rejected, Unavailable) as exc:
        OAUTH_FLOWS_TOTAL.labels(exc.code).inc()
        raise
    OAUTH_FLOWS_TOTAL.labels("connected").inc()
