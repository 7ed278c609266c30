"""REST-shaped bodies, as webhooks carry them: the same facts as the GraphQL side."""
