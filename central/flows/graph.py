"""The picture of a menu: its steps as boxes in columns, by how many steps the caller is away from
the start, and a line from each way out to where it leads. Pure; lengths in pixels.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

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
    name: str
    verb: str
    line: int
    x: int
    y: int
    height: int
    ways: tuple[Way, ...]
    is_wrong: bool
    is_start: bool


@dataclass(frozen=True)
class Line:
    """path: of SVG. is_back: it leads to a column that is no later."""

    path: str
    is_back: bool


@dataclass(frozen=True)
class Picture:
    width: int
    height: int
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


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
    lines = tuple(_lines(boxes))
    right = max(each.x for each in boxes.values()) + WIDTH + SWING
    bottom = max(each.y + each.height for each in boxes.values())
    return Picture(right + MARGIN, bottom + MARGIN, tuple(boxes.values()), lines)


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


def _lines(boxes: dict[str, Box]) -> Iterator[Line]:
    for box in boxes.values():
        for way in box.ways:
            to = boxes.get(way.to)
            if to is None:
                continue
            x, y = to.x, to.y + HEAD // 2
            is_back = to.x <= box.x
            swing = SWING if is_back else max(COLUMN_GAP // 2, (x - way.x) // 2)
            path = f"M{way.x} {way.y} C{way.x + swing} {way.y} {x - swing} {y} {x} {y}"
            yield Line(path, is_back)
