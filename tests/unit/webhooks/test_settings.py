"""Which secrets may sign."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from services.webhooks.settings import Settings

REQUIRED = {
    "database_url": "postgresql://localhost/till",
    "shopify_client_secret": "current",
    "shopify_encryption_key": "a" * 43,
}


def test_every_configured_secret_may_sign_and_empty_ones_may_not():
    bare = Settings.model_validate(REQUIRED)
    full = Settings.model_validate(
        REQUIRED
        | {"shopify_client_secret_previous": "previous", "shopify_webhook_secret": "by hand"}
    )
    blank = Settings.model_validate(REQUIRED | {"shopify_webhook_secret": ""})

    assert bare.app_secrets == ("current",)
    assert full.app_secrets == ("current", "previous", "by hand")
    assert blank.app_secrets == ("current",)


def test_an_empty_app_secret_is_no_secret():
    with pytest.raises(ValidationError):
        Settings.model_validate(REQUIRED | {"shopify_client_secret": ""})
