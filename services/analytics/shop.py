"""Whose numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class ShopKey:
    """One connected shop of one tenant."""

    tenant_id: str
    shop_id: int
