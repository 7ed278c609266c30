"""PyPI's ShopifyAPI, as its users write it; run with that package on the path.

Arguments: the shop's domain and the app's key and secret. Prints what it found as one JSON object.
"""

import json
import sys
import urllib.error
import urllib.parse
import urllib.request

import shopify

shop, key, secret = sys.argv[1:]
version = "2026-10"
shopify.ApiVersion.define_version(shopify.Release(version))
shopify.Session.setup(api_key=key, secret=secret)


class Stay(urllib.request.HTTPRedirectHandler):
    """Look where the merchant's browser is sent instead of going there."""

    def redirect_request(self, *_):
        return None


def callback(address):
    try:
        urllib.request.build_opener(Stay).open(address)
    except urllib.error.HTTPError as answer:
        query = urllib.parse.urlsplit(answer.headers["Location"]).query
        return dict(urllib.parse.parse_qsl(query))
    raise SystemExit("nobody redirected")


session = shopify.Session(shop, version)
url = session.create_permission_url(
    ["read_orders", "read_all_orders", "read_products"], "https://app.example/callback", "nonce-1"
)
parameters = callback(url)
token = session.request_token(parameters)
forged = dict(parameters, code="another")
shopify.ShopifyResource.activate_session(shopify.Session(shop, version, token))

told = shopify.Shop.current()
orders = shopify.Order.find(status="any", limit=7)
pages = [[one.id for one in orders]]
while orders.has_next_page():
    orders = orders.next_page()
    pages.append([one.id for one in orders])
first = shopify.Order.find(pages[0][0])
answer = json.loads(
    shopify.GraphQL().execute("{ shop { myshopifyDomain } ordersCount(limit: null) { count } }")
)
print(
    json.dumps(
        {
            "state": parameters["state"],
            "forged": shopify.Session.validate_params(forged),
            "scopes": str(session.access_scopes),
            "domain": told.myshopify_domain,
            "orders": [one for page in pages for one in page],
            "pages": len(pages),
            "total": first.total_price,
            "lines": len(first.line_items),
            "count": shopify.Order.count(status="any"),
            "products": shopify.Product.count(),
            "graphql": answer["data"],
            "calls": shopify.Limits.credit_limit(),
        }
    )
)
