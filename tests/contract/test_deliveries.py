"""Topics and signatures as Shopify's own lists have them."""

from __future__ import annotations

import json

import pytest

from services.webhooks import domain
from shared.shopify.signature import query_is_signed, webhook_is_signed
from tests.reference import payloads, topics


def test_a_topic_and_its_enum_are_one_choice():
    assert {
        topic: domain.one_spelling(topic)
        for topic, enum in topics().items()
        if domain.one_spelling(topic) != enum
    } == {}


def test_webhook_signatures_are_those_of_the_vectors():
    vectors = json.loads(payloads("hmac-vectors.json"))["webhook_hmac_base64"]

    assert vectors
    for vector in vectors:
        body = vector["body"].encode()
        assert webhook_is_signed(body, vector["base64"], [vector["secret"]])
        assert not webhook_is_signed(body + b" ", vector["base64"], [vector["secret"]])


@pytest.mark.parametrize("kind", ["oauth_query_hmac_hex", "app_proxy_signature_hex"])
def test_a_signature_made_for_something_else_signs_no_webhook(kind: str):
    vectors = [one for one in json.loads(payloads("hmac-vectors.json"))[kind] if "hex" in one]

    assert vectors
    for vector in vectors:
        body = vector["message"].encode()
        assert not webhook_is_signed(body, vector["hex"], [vector["secret"]])


def test_query_signatures_are_those_of_the_vectors():
    vectors = json.loads(payloads("hmac-vectors.json"))["oauth_query_hmac_hex"]
    plain = [one for one in vectors if "hex" in one and "ids" not in one["message"]]

    assert plain
    for vector in plain:
        pairs = [tuple(pair.split("=", 1)) for pair in vector["message"].split("&")]
        assert query_is_signed([*pairs, ("hmac", vector["hex"])], vector["secret"])
