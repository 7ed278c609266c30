-- Analytics calls nobody and checks no signature: it has no use for tokens and secrets.
REVOKE SELECT ON accounts.credentials FROM tillstream_analytics;
