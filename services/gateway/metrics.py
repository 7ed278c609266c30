"""The gateway's metrics."""

from __future__ import annotations

from prometheus_client import Counter

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
