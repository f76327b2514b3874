"""What must be set before any of the tests, or what they test, is read."""

import sys


def measure_coverage_simply() -> None:
    """SlipCover takes its probe out of a line that has run 50 times, and looks through all modules
    to do so: more than the probe would ever cost. In a worker it can be told only here."""
    plugin = sys.modules.get("slipcover.pytest_plugin")
    measuring = getattr(plugin, "_slipcover_instance", None)
    if measuring is not None:
        measuring.d_miss_threshold = 1_000_000_000


measure_coverage_simply()
