"""What keeps a service from starting is one line that names it."""

from __future__ import annotations

import pytest
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings

from shared.starting import complaint


class Wanted(BaseSettings):
    first_port: int = Field(default=1, ge=1)
    first_secret: SecretStr = Field(min_length=32)


def test_every_wrong_setting_is_named_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRST_PORT", "many")
    monkeypatch.setenv("FIRST_SECRET", "hush")
    with pytest.raises(ValidationError) as caught:
        Wanted()

    said = complaint(caught.value)

    assert said.startswith("FIRST_PORT: Input should be a valid integer")
    assert "; FIRST_SECRET: " in said
    assert "hush" not in said
    assert "\n" not in said
