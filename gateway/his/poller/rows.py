"""What is read out of a hospital's database, and that it cannot be read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

# So many rows are read at once.
PAGE_ROWS = 200


class PollError(Exception):
    """The database cannot be read; says why, without the values of any row."""

    error_id = "poll-away"


@dataclass(frozen=True)
class Row:
    """One row that was read. `id` and `time` are None in a picture."""

    values: Mapping[str, Any]
    id: Any = None
    time: datetime | None = None
