"""Customers and addresses."""

from __future__ import annotations

from typing import Any

from tests.simulator.fields.orders import _gid, _same, _time
from tests.simulator.model import Customer, Order


def _email(customer: Customer, world: Any) -> Customer | None:
    return customer if customer.email else None


def _phone(customer: Customer, world: Any) -> Customer | None:
    return customer if customer.phone else None


def _display_name(customer: Customer, world: Any) -> str:
    name = " ".join(part for part in (customer.first_name, customer.last_name) if part)
    return name or customer.email or ""


def _orders(customer: Customer, world: Any, arguments: dict[str, Any]) -> list[Order]:
    found = (world.orders.get(number) for number in world.orders_of(customer.id))
    return [order for order in found if order is not None]


VALUES: dict[str, dict[str, Any]] = {
    "Customer": {
        "id": _gid("Customer"),
        "legacyResourceId": lambda c, w: str(c.id),
        "firstName": _same("first_name"),
        "lastName": _same("last_name"),
        "displayName": _display_name,
        "email": _same("email"),
        "phone": _same("phone"),
        "state": _same("state"),
        "verifiedEmail": _same("verified_email"),
        "taxExempt": _same("tax_exempt"),
        "note": _same("note"),
        "tags": _same("tags"),
        "locale": _same("locale"),
        "createdAt": _time("created"),
        "updatedAt": _time("updated"),
        "numberOfOrders": lambda c, w: str(len(w.orders_of(c.id))),
        "amountSpent": lambda c, w: w.spent_by(c.id),
        "defaultAddress": _same("default_address"),
        "defaultEmailAddress": _email,
        "defaultPhoneNumber": _phone,
    },
    "CustomerEmailAddress": {
        "emailAddress": _same("email"),
        "marketingState": _same("email_consent"),
    },
    "CustomerPhoneNumber": {
        "phoneNumber": _same("phone"),
        "smsMarketingConsent": lambda c, w: c,
    },
    "CustomerSmsMarketingConsent": {
        "state": lambda c, w: c.sms_consent or "NEVER_SUBSCRIBED",
    },
    "MailingAddress": {
        "id": _gid("MailingAddress"),
        "firstName": _same("first_name"),
        "lastName": _same("last_name"),
        "name": _same("name"),
        "company": _same("company"),
        "address1": _same("address1"),
        "address2": _same("address2"),
        "city": _same("city"),
        "province": _same("province"),
        "provinceCode": _same("province_code"),
        "country": _same("country"),
        "countryCodeV2": _same("country_code"),
        "zip": _same("zip"),
        "phone": _same("phone"),
        "latitude": _same("latitude"),
        "longitude": _same("longitude"),
    },
}
ARGUED: dict[str, dict[str, Any]] = {
    "Customer": {"addresses": lambda c, w, a: c.addresses[: a.get("first")]},
}
LISTS: dict[str, dict[str, Any]] = {
    "Customer": {"addressesV2": lambda c, w, a: c.addresses, "orders": _orders},
}
