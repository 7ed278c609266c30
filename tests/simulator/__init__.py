"""A Shopify in one process, for tests and the demo; it knows nothing of the product's code."""
