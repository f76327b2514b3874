"""The picture of a menu: its steps as boxes in columns, by how many steps the caller is away from
the start, and a line from each way out to where it leads. Pure; lengths in pixels.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from central.flows import checks
from central.flows.document import Document, Step

WIDTH, HEAD, ROW, FOOT = 190, 26, 19, 5
COLUMN_GAP, BOX_GAP, MARGIN = 70, 18, 12
# How far a line swings out before it turns back.
SWING = 46


@dataclass(frozen=True)
class Way:
    """A way out of a step. why: as in `Step.edges`, "person" or "failed"."""

    why: str
    to: str
    x: int
    y: int


@dataclass(frozen=True)
class Box:
    """backs: as the lines of `Picture`, from here to a column that is no later."""

    name: str
    verb: str
    line: int
    x: int
    y: int
    height: int
    ways: tuple[Way, ...]
    is_wrong: bool
    is_start: bool
    backs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Picture:
    """lines: paths of SVG, each from a way out to a box of a later column."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    lines: tuple[str, ...]


@dataclass
class _Column:
    """Boxes one under the other, each near to the way that leads there if there is room."""

    x: int
    bottom: int = MARGIN
    boxes: list[Box] = field(default_factory=list)


def drawn(document: Document, wrong: Collection[str] = ()) -> Picture:
    """wrong: the steps that something is wrong with."""
    columns = _columns(document)
    boxes: dict[str, Box] = {}
    led: dict[str, int] = {}
    for place, names in enumerate(columns):
        column = _Column(MARGIN + place * (WIDTH + COLUMN_GAP))
        for name in names:
            step = document.steps[name]
            top = max(column.bottom, led.get(name, MARGIN) - HEAD // 2)
            box = _box(document, step, column.x, top, name in wrong)
            boxes[name] = box
            column.bottom = box.y + box.height + BOX_GAP
            for way in box.ways:
                led.setdefault(way.to, way.y)
    lines = [line for each in boxes.values() for line in _lines(each, boxes, back=False)]
    right = max(each.x for each in boxes.values()) + WIDTH + SWING
    bottom = max(each.y + each.height for each in boxes.values())
    whole = [replace(each, backs=tuple(_lines(each, boxes, back=True))) for each in boxes.values()]
    return Picture(right + MARGIN, bottom + MARGIN, tuple(whole), tuple(lines))


def _columns(document: Document) -> list[list[str]]:
    """The steps by their distance from the start, those that nothing reaches at the end."""
    found: list[list[str]] = []
    seen: set[str] = set()
    coming = [document.start] if document.start in document.steps else []
    while coming:
        column = [each for each in dict.fromkeys(coming) if each not in seen]
        seen.update(column)
        if column:
            found.append(column)
        coming = [
            to
            for name in column
            for _, to in checks.ways(document, document.steps[name])
            if to in document.steps and to not in seen
        ]
    left = [name for name in document.steps if name not in seen]
    return [*found, left] if left else found


def _box(document: Document, step: Step, x: int, y: int, is_wrong: bool) -> Box:
    ways = tuple(
        Way(why, to, x + WIDTH, y + HEAD + place * ROW + ROW // 2)
        for place, (why, to) in enumerate(checks.ways(document, step))
    )
    height = HEAD + len(ways) * ROW + (FOOT if ways else 0)
    is_start = step.name == document.start
    return Box(step.name, step.verb, step.line, x, y, height, ways, is_wrong, is_start)


def _lines(box: Box, boxes: Mapping[str, Box], *, back: bool) -> Iterator[str]:
    for way in box.ways:
        to = boxes.get(way.to)
        if to is None or (to.x <= box.x) is not back:
            continue
        x, y = to.x, to.y + HEAD // 2
        swing = SWING if back else max(COLUMN_GAP // 2, (x - way.x) // 2)
        yield f"M{way.x} {way.y} C{way.x + swing} {way.y} {x - swing} {y} {x} {y}"
