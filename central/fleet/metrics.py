"""The figures of the hospital in Prometheus' format: how boxes, beds, faults and calls are. No
patient, no bed's call and no user is in them; the names follow Prometheus' advice on naming."""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from central.fleet import service
from central.fleet.service import Box
from central.proving import model as proving
from central.store import Tx
from gateway.mqtt import kinds

BOX = ("ward", "box")
# Name, help, what it is of a box (None: not told).
GAUGES: tuple[tuple[str, str, Callable[[Box], float | None]], ...] = (
    ("up", "1 while the box is in contact", lambda box: box.row["state"] == kinds.READY),
    ("last_seen_timestamp_seconds", "Time of the last heartbeat that was written down",
     lambda box: _seconds(box.row["seen_ms"])),
    ("uptime_seconds", "Since the start of the box's program",
     lambda box: _seconds(box.health.get("uptime_ms"))),
    ("temperature_celsius", "Of the warmest sensor of the box",
     lambda box: box.health.get("temperature_c")),
    ("disk_free_ratio", "Free part of the disk that holds the box's data, 0 to 1",
     lambda box: _hundredths(box.health.get("disk_free_pct"))),
    ("disk_free_bytes", "Free room of that disk",
     lambda box: _times(box.health.get("disk_free_mb"), 2**20)),
    ("clock_behind_seconds", "How far the box's clock is behind the centre's; negative: ahead",
     lambda box: _seconds(box.health.get("clock_behind_ms"))),
    ("certificate_expiry_timestamp_seconds", "End of the box's certificate",
     lambda box: _seconds(box.certificate_ends_ms)),
    ("outbox_events", "Events that wait in the box for the centre's receipt",
     lambda box: box.health.get("outbox")),
    ("poll_seconds", "How long the box takes to ask all its beds",
     lambda box: _seconds(box.health.get("poll_ms"))),
    ("open_faults", "Faults of the box that are not over", lambda box: box.faults),
)  # fmt: skip
COUNTERS: tuple[tuple[str, str, Callable[[Box], float | None]], ...] = (
    ("dropped_events", "Events that a full outbox dropped; never calls",
     lambda box: box.health.get("dropped")),
    ("rejected_messages", "Messages that the box did not understand",
     lambda box: box.health.get("quarantined")),
)  # fmt: skip


def told(tx: Tx, accept: str) -> tuple[bytes, str]:
    """All figures as of now, and their content type, in the format that the request accepts."""
    encode, content_type = choose_encoder(accept)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once(families(tx)))
    return encode(registry), content_type


class _Once(Collector):
    """Figures that are there already."""

    def __init__(self, found: Iterable[Metric]) -> None:
        self._found = list(found)

    def collect(self) -> Iterable[Metric]:
        return self._found


def families(tx: Tx) -> Iterator[Metric]:
    """Each figure with its values."""
    boxes = service.boxes(tx)
    info = GaugeMetricFamily(
        "wardline_box_info", "What the box is", labels=(*BOX, "role", "version", "hardware")
    )
    for box in boxes:
        row = box.row
        told = (row["role"], row["firmware"] or "", row["hardware"] or "")
        info.add_metric((row["ward"], row["id"], *told), 1)
    yield info
    for kind, figures in ((GaugeMetricFamily, GAUGES), (CounterMetricFamily, COUNTERS)):
        for name, words, of in figures:
            family = kind(f"wardline_box_{name}", words, labels=BOX)
            for box in boxes:
                value = of(box)
                if value is not None:
                    family.add_metric((box.row["ward"], box.row["id"]), float(value))
            yield family
    yield _beds(tx)
    yield _counted(
        tx, "wardline_open_faults", "Faults that are not over", ("ward", "code"),
        "SELECT ifnull(ward, '') AS ward, code, count(*) AS n FROM faults"
        " WHERE cleared_ms IS NULL GROUP BY 1, 2",
    )  # fmt: skip
    yield _counted(
        tx, "wardline_open_calls", "Calls that have not ended", ("ward", "priority", "state"),
        "SELECT ward, priority, state, count(*) AS n FROM calls WHERE state != 'ended'"
        " GROUP BY 1, 2, 3",
    )  # fmt: skip
    yield _counted(
        tx, "wardline_waiting_commands", "Commands that boxes have not answered", ("ward",),
        "SELECT ward, count(*) AS n FROM commands WHERE result IS NULL GROUP BY 1",
    )  # fmt: skip


def _beds(tx: Tx) -> Metric:
    family = GaugeMetricFamily(
        "wardline_bed_proven_timestamp_seconds",
        "When the bed last proved that it can call; 0: never",
        labels=("ward", "bed", "box"),
    )
    for row in proving.beds(tx):
        at_s = _seconds(row["good_real_ms"]) or 0
        family.add_metric((row["ward"], row["bed"], row["node"]), at_s)
    return family


def _counted(tx: Tx, name: str, words: str, labels: tuple[str, ...], query: str) -> Metric:
    family = GaugeMetricFamily(name, words, labels=labels)
    for row in tx.all(query):
        family.add_metric([str(row[label]) for label in labels], row["n"])
    return family


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000


def _hundredths(pct: int | None) -> float | None:
    return None if pct is None else pct / 100


def _times(value: int | None, factor: int) -> float | None:
    return None if value is None else float(value * factor)
