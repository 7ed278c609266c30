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


def test_the_apps_current_and_previous_secret_may_sign():
    bare = Settings.model_validate(REQUIRED)
    full = Settings.model_validate(REQUIRED | {"shopify_client_secret_previous": "previous"})

    assert bare.app_secrets == ("current",)
    assert full.app_secrets == ("current", "previous")


@pytest.mark.parametrize("name", ["shopify_client_secret", "shopify_client_secret_previous"])
def test_an_empty_app_secret_is_no_secret(name):
    with pytest.raises(ValidationError):
        Settings.model_validate(REQUIRED | {name: ""})
