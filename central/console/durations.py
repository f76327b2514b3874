"""How long something took, in words: the one table for Python and for the pages' scripts."""

import math
from typing import Any

from central.console.marks import N_

# (below so many seconds, and this part is zero, the words). The first row that fits is taken.
FORMS: tuple[tuple[int | None, str | None, str], ...] = (
    (60, None, N_("%(s)s s")),
    (3600, "s", N_("%(min)s min")),
    (3600, None, N_("%(min)s min %(s)s s")),
    (None, "min", N_("%(h)s h")),
    (None, None, N_("%(h)s h %(min)s min")),
)


def form(ms: int) -> tuple[str, dict[str, Any]]:
    """The words for a duration, a message id, and their values. What is below zero counts as
    zero. The scripts' side is static/durations.js."""
    seconds = max(0, int(ms)) // 1000
    values = {"h": seconds // 3600, "min": seconds % 3600 // 60, "s": seconds % 60}
    for below_s, zero, words in FORMS:
        if seconds < (below_s or math.inf) and (zero is None or not values[zero]):
            return words, values
    raise AssertionError("the last row fits everything")
