"""The OpenAPI document: right by its own rules, and the one that was agreed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.integration.web.openapi_snapshot import SNAPSHOT, document_of_the_server, text_of

RENEW = "if it was meant: python -m tests.integration.web.openapi_snapshot"


@pytest.fixture
def described(tmp_path: Path) -> dict[str, Any]:
    return document_of_the_server(tmp_path)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def test_every_reference_of_the_document_leads_to_a_schema(described: dict[str, Any]) -> None:
    known = {f"#/components/schemas/{name}" for name in described["components"]["schemas"]}
    assert set(references(described)) - known == set()


def test_every_schema_is_one_of_json_schema_2020_12(described: dict[str, Any]) -> None:
    for schema in described["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_operation_has_its_own_name_its_parameters_and_its_refusal(described: dict[str, Any]) -> None:
    assert described["openapi"].startswith("3.1.")
    names = []
    for path, operations in described["paths"].items():
        for operation in operations.values():
            names.append(operation["operationId"])
            parameters = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
            assert parameters == set(re.findall(r"{(\w+)}", path)), path
            assert "application/problem+json" in operation["responses"]["default"]["content"]
            assert operation["summary"], path
    assert sorted(names) == sorted(set(names))


def test_the_document_is_the_one_that_was_agreed(described: dict[str, Any]) -> None:
    assert text_of(described) == SNAPSHOT.read_text("utf-8"), RENEW
