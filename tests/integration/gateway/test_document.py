"""What the OpenAPI document promises is what is answered."""

from __future__ import annotations

from openapi_schema_validator import OAS31Validator

from tests.integration.gateway.test_tenancy import DOCUMENT, OPERATIONS, send


def promised(operation, status):
    content = operation["responses"][str(status)]["content"]["application/json"]
    return OAS31Validator({**content["schema"], "components": DOCUMENT["components"]})


async def test_every_answer_has_the_shape_that_the_document_promises(gateway, alba):
    answered = {}
    for path, method, operation in OPERATIONS:
        headers = alba.headers()
        response = await send(gateway, path, method, operation, of=alba, headers=headers)
        if response.status == 302 or response.content_type == "application/jsonl":
            continue
        body = await response.json()
        complaints = [
            f"{method} {path}: {list(error.absolute_path)}: {error.message}"
            for error in promised(operation, response.status).iter_errors(body)
        ]
        assert complaints == []
        answered[operation["operationId"]] = response.status

    assert sum(status < 300 for status in answered.values()) >= 24


async def test_every_refusal_has_the_shape_of_a_problem(gateway, alba):
    for path, method, operation in OPERATIONS:
        if operation["x-scope"] != "public":
            response = await send(gateway, path, method, operation, of=alba, headers={})
            promised(operation, response.status).validate(await response.json())
            assert response.status == 401
