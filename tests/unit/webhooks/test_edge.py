"""Which requests the edge proxy hands to this service, by the expressions in its own file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CADDYFILE = Path(__file__).parents[3] / "deploy" / "caddy" / "Caddyfile"
BASES = (
    "/api/v1/shopify/webhooks",
    "/api/shopify/webhooks",
    "/api/shopify/webhook",
    "/api/integrations/shopify/webhook",
)


def is_ours(path: str) -> bool:
    text = CADDYFILE.read_text()
    [ours] = re.findall(r"^\t\tpath_regexp (\S+)$", text, re.MULTILINE)
    [theirs] = re.findall(r"^\t\tnot path_regexp (\S+)$", text, re.MULTILINE)
    return bool(re.search(ours, path)) and not re.search(theirs, path)


@pytest.mark.parametrize("base", BASES)
def test_every_address_of_the_receiver_reaches_it(base: str):
    ends = ("", "/", "/orders_update", "/orders_update/", "/orders/create", "/events_of_mine")

    assert [end for end in ends if not is_ours(base + end)] == []


@pytest.mark.parametrize("base", BASES)
def test_the_words_of_the_api_reach_the_api(base: str):
    words = ("setup", "subscriptions", "events", "topics")

    assert [
        word for word in words if is_ours(f"{base}/{word}") or is_ours(f"{base}/{word}/7")
    ] == []


@pytest.mark.parametrize(
    "path", ["/api/shopify/orders", "/api/v1/shopify/webhooksx", "/x/api/shopify/webhooks", "/"]
)
def test_nothing_else_does(path: str):
    assert not is_ours(path)


def test_as_many_connections_as_the_proxy_opens_fit_the_receivers_open_files():
    [proxied] = re.findall(r"^\t+max_conns_per_host (\d+)$", CADDYFILE.read_text(), re.MULTILINE)
    compose = (CADDYFILE.parents[2] / "docker-compose.yml").read_text()
    [files] = re.findall(r"ulimits: \{nofile: (\d+)\}", compose)

    assert 2 * int(proxied) <= int(files)
