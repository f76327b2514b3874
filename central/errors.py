"""Errors that a person can put right."""

from typing import Any


class FieldError(Exception):
    """A field of a form or request is wrong; says which and how to put it right."""

    error_id = "field-wrong"

    def __init__(self, field: str, message: str, **values: Any) -> None:
        super().__init__(f"{field}: {message % values if values else message}")
        self.field = field
        # An English message id with %(name)s placeholders, for central.words.seen.
        self.message = message
        self.values = values
