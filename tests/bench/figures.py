"""What benchmarks share: their command line, medians and percentiles, a table, JSON."""

import argparse
import json
import math
from collections.abc import Sequence
from typing import Any


def command_line(name: str, about: str | None) -> argparse.ArgumentParser:
    """The parser of `./wardline bench <name>`; `about` is the benchmark's docstring."""
    return argparse.ArgumentParser(
        prog=f"./wardline bench {name}",
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def figures(values_ms: Sequence[float]) -> dict[str, Any]:
    """Count, median, 99th percentile and worst of times in ms."""
    if not values_ms:
        return {"n": 0, "median_ms": None, "p99_ms": None, "worst_ms": None}
    return {
        "n": len(values_ms),
        "median_ms": round(percentile(values_ms, 0.5), 2),
        "p99_ms": round(percentile(values_ms, 0.99), 2),
        "worst_ms": round(max(values_ms), 2),
    }


def table(stages: dict[str, dict[str, Any]]) -> str:
    """A line per stage."""
    lines = [f"{'':<46}{'n':>6}{'median':>11}{'99 %':>11}{'worst':>11}"]
    for name, each in stages.items():
        if each["n"]:
            times = "".join(f"{each[key]:>8.2f} ms" for key in ("median_ms", "p99_ms", "worst_ms"))
            lines.append(f"{name:<46}{each['n']:>6}{times}")
    return "\n".join(lines)


def as_json(name: str, stages: dict[str, dict[str, Any]], **facts: Any) -> str:
    return json.dumps({"bench": name, **facts, "stages": stages}, ensure_ascii=False)
