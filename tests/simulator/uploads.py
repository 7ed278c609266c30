"""Bulk mutations: a file is staged, each of its lines is a set of variables, the answers a file."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web
from graphql import (
    FieldNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    parse,
    validate,
)

from tests.simulator import moments
from tests.simulator.ids import gid
from tests.simulator.results import Written
from tests.simulator.store import Operation

LARGEST = 100 << 20
_SLOTS = 5
_RUNNING = ("CREATED", "RUNNING", "CANCELING")
_STEP = 20


def _stage(call: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """``stagedUploadsCreate``: where to send each file, and under which key."""
    targets = []
    for one in arguments["input"]:
        key = f"tmp/{call.world.shop.id}/bulk/{secrets.token_hex(16)}/{one['filename']}"
        parameters = {
            "Content-Type": one["mimeType"], "success_action_status": "201",
            "acl": "private", "key": key,
        }  # fmt: skip
        call.platform.staged.add(key)
        targets.append(
            {
                "url": f"{call.base_url}/uploads",
                "resourceUrl": None,
                "parameters": [{"name": k, "value": v} for k, v in parameters.items()],
            }
        )
    return {"stagedTargets": targets, "userErrors": []}


async def receive(request: web.Request) -> web.Response:
    """The multipart form of a staged upload: the parameters first, the file last."""
    from tests.simulator.control import PLATFORM

    platform, key = request.app[PLATFORM], ""
    async for part in await request.multipart():
        if part.name != "file":
            text = (await part.text()).strip()
            key = text if part.name == "key" else key
            continue
        if key not in platform.staged:
            return web.Response(status=403, text="AccessDenied")
        size = 0
        with staged_file(platform.folder, key).open("wb") as file:
            while chunk := await part.read_chunk(1 << 16):
                size += file.write(chunk)
                if size > LARGEST:
                    return web.Response(status=400, text="EntityTooLarge")
        location = f"<PostResponse><Key>{key}</Key></PostResponse>"
        return web.Response(status=201, text=location, content_type="application/xml")
    return web.Response(status=400, text="InvalidArgument")


def staged_file(folder: Path, key: str) -> Path:
    return folder / f"staged-{key.replace('/', '-')}"


def complaint(text: str) -> str | None:
    """What is wrong with a bulk mutation, if anything."""
    from tests.simulator.bulk_rules import connections
    from tests.simulator.schema import admin_schema

    try:
        document = parse(text)
    except GraphQLError as error:
        return f"Failed to parse the mutation - {error.message}"
    definition = document.definitions[0]
    if not isinstance(definition, OperationDefinitionNode) or (
        definition.operation is not OperationType.MUTATION
    ):
        return "Invalid operation type. Only `mutation` operations are supported."
    fields = [one for one in definition.selection_set.selections if isinstance(one, FieldNode)]
    if len(fields) != 1:
        return "You must specify a single top level mutation."
    if fields[0].name.value.startswith("bulkOperation"):
        return f"You can't use {fields[0].name.value} within a bulk mutation"
    invalid = validate(admin_schema(), document)
    if invalid:
        return invalid[0].message
    if len(connections(definition, admin_schema().mutation_type)) > 1:
        return "Bulk mutations cannot contain more than 1 connection."
    return None


def _run(call: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """``bulkOperationRunMutation``."""
    busy = [
        one
        for one in call.store.operations.values()
        if one.kind == "MUTATION" and one.status in _RUNNING
    ]
    if len(busy) >= _SLOTS:
        names = ", ".join(gid("BulkOperation", one.id) for one in busy)
        message = (
            f"A bulk mutation operation for this app and shop is already in progress: {names}."
        )
        return _refused(None, message, "OPERATION_IN_PROGRESS")
    wrong = complaint(arguments["mutation"])
    if wrong:
        return _refused(["mutation"], wrong, "INVALID_MUTATION")
    name = arguments.get("clientIdentifier")
    if name is not None and not 10 <= len(name) <= 255:
        message = "Client identifier must be between 10 and 255 characters."
        return _refused(["clientIdentifier"], message, "INVALID_MUTATION")
    path = staged_file(call.platform.folder, arguments["stagedUploadPath"])
    if arguments["stagedUploadPath"] not in call.platform.staged or not path.exists():
        message = "The JSONL file could not be found. Try uploading the file again."
        return _refused(None, message, "NO_SUCH_FILE")
    if path.stat().st_size > LARGEST:
        message = "The input file size exceeds the maximum allowed size of 100 MB."
        return _refused(None, message, "INVALID_STAGED_UPLOAD_FILE")
    made = Operation(
        id=call.store.next_id("BulkOperation"), query=arguments["mutation"], created=moments.now(),
        base_url=call.base_url, scopes=call.token.scopes, kind="MUTATION",
    )  # fmt: skip
    call.store.operations[made.id] = made
    made.task = asyncio.create_task(_work(call, made, path), name="bulk mutation")
    return {"bulkOperation": made, "userErrors": []}


async def _work(call: Any, operation: Operation, source: Path) -> None:
    """Run the mutation with the variables of every line."""
    from tests.simulator import graphql_api

    runner = call.platform.bulk
    operation.status = "RUNNING"
    target = runner.folder / f"bulk-{operation.id}-{secrets.token_hex(8)}.jsonl"
    with source.open("rb") as lines, target.open("wb") as file:
        for place, line in enumerate(lines):
            if operation.status != "RUNNING":
                break
            try:
                variables = orjson.loads(line)
            except orjson.JSONDecodeError:
                operation.status, operation.error_code = "FAILED", "INTERNAL_SERVER_ERROR"
                break
            answer = graphql_api.run(call, operation.query, variables, free=True)
            answer.pop("extensions", None)
            operation.size += file.write(orjson.dumps({**answer, "__lineNumber": place}) + b"\n")
            operation.objects += 1
            operation.roots += 1
            if place % _STEP == 0:
                file.flush()
                await asyncio.sleep(0)
    runner.results[target.name] = Written(target, short=False)
    runner.finish(call.store, operation, target, {})


def _refused(field: list[str] | None, message: str, code: str) -> dict[str, Any]:
    error = {"field": field, "message": message, "code": code}
    return {"bulkOperation": None, "userErrors": [error]}


MUTATIONS: dict[str, Any] = {"stagedUploadsCreate": _stage, "bulkOperationRunMutation": _run}
