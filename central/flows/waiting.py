"""A caller waits in a queue until somebody takes his call: a part of a call through menus. No I/O.

While telephones ring he hears the step's words, then his place in the queue and how to leave it,
and soft notes; every so often his place again, with the words that the step has for that, and at
once when it changes. Who is answered speaks, and the call ends when he has. Who presses *, or waits
longer than the step says, goes on where it leads.
"""

from central.flows.doing import Ask, Came, Do, Hold, Own, Queue, Unqueue, Wait

LEAVE = "*"
PLACE, NOBODY = "queue_place", "queue_nobody"
Doing = list[Do | Ask | Came]


class Waiting:
    """number: of the house. every_s: between one saying of the place and the next. words, more:
    whether the step has words for the beginning, and for each time. With `Came` it is over: he is
    not spoken with, for a caller who is needs nothing more of us."""

    is_asking = False

    def __init__(
        self, number: str, most_s: float, every_s: float, *, words: bool = False, more: bool = False
    ) -> None:
        self._number = number
        self._most_s = most_s
        self._every_s = every_s
        self._words = words
        self._more = more
        self._place = self._told = 0
        self._saying = self._over = False

    def begin(self) -> Doing:
        said = self._ask(Ask(part="")) if self._words else self._hold()
        return [Queue(self._number, self._most_s), *said]

    def placed(self, place: int) -> Doing:
        """1 is the next one."""
        self._place = place
        return [] if self._saying or self._over else self._tell()

    def pressed(self, key: str) -> Doing:
        return self._left(Unqueue()) if key == LEAVE and not self._over else []

    def spoken(self) -> Doing:
        self._saying = False
        if self._over:
            return []
        return self._tell() if self._place != self._told else self._hold()

    def waited(self) -> Doing:
        return [] if self._saying or self._over else self._tell(again=True)

    def not_taken(self) -> Doing:
        """Nobody took it in time, or nobody is there who could."""
        return [] if self._over else self._left(why=NOBODY)

    def hung_up(self) -> Doing:
        return [] if self._over else self._left(Unqueue())

    def _tell(self, *, again: bool = False) -> Doing:
        if not self._place:
            return self._hold()
        self._told = self._place
        own = (Own(PLACE, {"n": self._place}),)
        return self._ask(Ask(own, part="waiting" if again and self._more else None))

    def _ask(self, ask: Ask) -> Doing:
        self._saying = True
        return [ask]

    def _hold(self) -> Doing:
        return [Hold(), Wait(self._every_s)]

    def _left(self, *first: Do, why: str = "") -> Doing:
        self._over = True
        return [*first, Came(None, why)]
