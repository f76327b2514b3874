"""The OpenAPI document keeps its promises: schemathesis sends what it allows and what it forbids.

Its pytest plugin is not loaded (pyproject.toml): every test run would pay for it.
"""

import itertools
import re
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode

from gateway.his.http.document import BASE
from gateway.his.http.schemas import NO_BLANKS, SCHEMAS

# 422 is for what JSON Schema cannot say, such as 30 February; 413 for the size.
TAKEN = ["2xx", "404", "409", "413", "422"]
# More only where none of the first was taken: what is made differs with the order of sets.
EXAMPLES, MORE = 2, 20
CONFIG = {
    "generation": {"with-security-parameters": False},
    "checks": {
        "positive_data_acceptance": {"expected-statuses": TAKEN},
        # Without a key everything is 401; one of the other tests has that.
        "ignored_auth": {"enabled": False},
        # A method that is not in the document is 405, with or without a key.
        "unsupported_method": {"enabled": False},
    },
}
OPERATIONS = [("POST", f"/{kind}") for kind in SCHEMAS] + [("GET", "/messages/{id}")]


def try_out(
    operation: Any, mode: GenerationMode, key: str, number: str, examples: int = EXAMPLES
) -> set[int]:
    """Send what `mode` makes of an operation. Returns the statuses of the answers."""
    answered: set[int] = set()
    count = itertools.count()

    @settings(
        max_examples=examples, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck), derandomize=True,
    )  # fmt: skip
    @given(operation.as_strategy(generation_mode=mode))
    def send(case: schemathesis.Case) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        if mode is GenerationMode.POSITIVE:
            headers["Idempotency-Key"] = f"{number}-{next(count)}"
        answered.add(case.call_and_validate(headers=headers).status_code)

    send()
    return answered


@pytest.mark.long
def test_the_api_does_what_the_document_says(app: Flask, key: str) -> None:
    config = SchemathesisConfig.from_dict(CONFIG)
    schema = schemathesis.openapi.from_wsgi(f"{BASE}/openapi.json", app, config=config)
    for method, path in OPERATIONS:
        operation = schema[path][method]
        allowed = try_out(operation, GenerationMode.POSITIVE, key, path[1:])
        forbidden = try_out(operation, GenerationMode.NEGATIVE, key, path[1:])
        if method == "POST":
            if not {200, 202} & allowed:
                allowed |= try_out(operation, GenerationMode.POSITIVE, key, f"{path[1:]}-m", MORE)
            assert {200, 202} & allowed, path
            assert 400 in forbidden, path
        assert not {401, 500, 503} & (allowed | forbidden), path


def test_what_a_blank_is_hangs_on_no_dialect_of_patterns() -> None:
    # U+0085 is one for Python, which reads a body, and none for ECMA 262, which JSON Schema names.
    reader = jsonschema_rs.validator_for({"type": "string", "pattern": NO_BLANKS})
    assert [each for each in map(chr, range(0x3001)) if reader.is_valid(each)] == [
        each for each in map(chr, range(0x3001)) if re.match(NO_BLANKS, each)
    ]
