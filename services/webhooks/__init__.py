"""Shopify's door: verify, make durable, answer."""
