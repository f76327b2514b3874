"""What spoken menus may ask about opening hours."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from central.flows.offers import OK, Answer, Asking, Offer
from central.hours import model, rules
from central.store import Tx
from central.words import spoken

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# From so many days on the date is said and not the day of the week.
BY_DATE_FROM = 7


def open_now(tx: Tx, asking: Asking, values: Mapping[str, str]) -> Answer:
    """Raises LookupError for a plan that is not there."""
    plan = model.plan(tx, values["plan"])
    if plan is None:
        raise LookupError(f"no opening hours are called {values['plan']!r}")
    at = datetime.fromtimestamp(tx.now_ms / 1000, asking.zone)
    calendar = model.calendar(tx, at.date() - timedelta(days=1))
    state = rules.state(plan, calendar, at)
    if state == rules.OPEN:
        return Answer(OK)
    opens = rules.next_opening(plan, calendar, at)
    return Answer(state, {"opens": when(opens, at, asking.lang)})


def when(opens: datetime | None, at: datetime, lang: str) -> str:
    """As people say it: today, tomorrow, on Monday, on 8 October, each with the time of day."""
    if opens is None:
        return spoken(lang, "hours.not_soon")
    days = (opens.date() - at.date()).days
    minute = opens.hour * 60 + opens.minute
    if days < 2:
        return spoken(lang, "hours.tomorrow" if days else "hours.today", minute=minute)
    if days < BY_DATE_FROM:
        day = spoken(lang, f"hours.{WEEKDAYS[opens.weekday()]}")
        return spoken(lang, "hours.on_weekday", day=day, minute=minute)
    return spoken(lang, "hours.on_date", month=opens.month, day=opens.day, minute=minute)


OFFERS = [
    Offer(
        "hours.open",
        open_now,
        "whether it is open now by a plan of opening hours, such as service; opens: when next",
        takes={"plan": 32},
        known={"plan": lambda tx: [row["name"] for row in model.plans(tx)]},
        others={rules.CLOSED: "it is closed at this hour", rules.HOLIDAY: "it is a holiday"},
        tells={rules.CLOSED: {"opens": ""}, rules.HOLIDAY: {"opens": ""}},
    ),
]
