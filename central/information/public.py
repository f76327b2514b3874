"""What everybody sees of it, without a log-in: sections, entries, a search over all of them.

The same rows as on the telephone. A page is the same for all who ask for it in one language, holds
nothing of anybody, and may be kept by caches; what is asked of the database is bounded.
"""

from typing import Any

from flask import Blueprint, Response, abort, make_response, render_template, request, url_for

from central.console.context import _, console, lang, read, yuan
from central.console.marks import N_
from central.console.sessions import EVERYBODY
from central.flows.service import PURPOSE
from central.information import model, service
from central.information.kinds import INSURED, PRICE, RANKS, fields
from central.information.service import Entry
from central.store import Tx

# A change is seen as soon as callers hear it, or this much later where a cache is in between.
MAX_AGE_S = 30
MOST_SEARCHED = 64
EXCERPT = 80
# Entries of each section on the first page, and on one page of a section.
FIRST, PAGE = 4, 100
# What stands beside title and text, in this order.
FACTS = {
    "department": N_("Department"),
    "rank": N_("Professional title"),
    "specialities": N_("Special fields"),
    "clinic": N_("Clinic hours"),
    "spec": N_("Strength and pack"),
    PRICE: N_("Price"),
    "insured": N_("Insurance class"),
}


def add_to(blueprint: Blueprint) -> None:
    blueprint.add_url_rule(EVERYBODY, "public", _home)
    blueprint.add_url_rule(f"{EVERYBODY}/search", "public_search", _search)
    blueprint.add_url_rule(f"{EVERYBODY}/<section>", "public_section", _section)
    blueprint.add_url_rule(f"{EVERYBODY}/<section>/<code>", "public_entry", _entry)


def numbers(tx: Tx) -> list[str]:
    """The numbers under which all this is heard."""
    rows = tx.all(
        "SELECT number FROM services WHERE purpose = ? ORDER BY number", (f"{PURPOSE}information",)
    )
    return [row["number"] for row in rows]


def _home() -> Response:
    tx, day = read(), _today()
    sections = [
        {
            "id": row["id"],
            "title": service.section_title(row, lang()),
            "codes": len(codes),
            "entries": [_short(each) for each in service.entries(tx, row, codes[:FIRST])],
        }
        for row in service.open_sections(tx, day)
        for codes in [service.codes(tx, row, day)]
    ]
    return _page("home", sections=sections)


def _search() -> Response:
    asked = request.args.get("q", "").strip()[:MOST_SEARCHED]
    tx = read()
    found = service.found(tx, asked, _today())
    titles = {row["id"]: service.section_title(row, lang()) for row in model.sections(tx)}
    shown = [_short(each) | {"of": titles[each.section]} for each in found]
    return _page("search", asked=asked, found=shown, most=service.MOST_FOUND)


def _section(section: str) -> Response:
    tx = read()
    row = service.open_section(tx, section)
    if row is None:
        abort(404)
    codes = service.codes(tx, row, _today())
    page = request.args.get("page", 0, type=int)
    if not 0 <= page * PAGE < max(1, len(codes)):
        abort(404)
    shown = service.entries(tx, row, codes[page * PAGE : (page + 1) * PAGE])
    return _page(
        "section",
        section=row,
        title=service.section_title(row, lang()),
        entries=[_short(each) for each in shown],
        page=page,
        more=len(codes) > (page + 1) * PAGE,
    )


def _entry(section: str, code: str) -> Response:
    tx, day = read(), _today()
    row = service.open_section(tx, section)
    found = None if row is None else service.entry(tx, row, code, day)
    if row is None or found is None:
        abort(404)
    codes = service.codes(tx, row, day)
    place = codes.index(code)
    return _page(
        "entry",
        section=row,
        of=service.section_title(row, lang()),
        entry=found,
        title=found.title(lang()),
        said_in=found.lang(lang()),
        facts=_facts(found),
        text=str(found.value("text", found.lang(lang()))),
        before=codes[place - 1] if place else None,
        after=codes[place + 1] if place + 1 < len(codes) else None,
    )


def _facts(entry: Entry) -> list[tuple[str, str, str]]:
    """(what, value, its language) of what is there beside title and text."""
    said_in = entry.lang(lang())
    known = {"rank": RANKS, "insured": INSURED}
    facts = []
    for field in fields(entry.kind):
        value = entry.value(field.name, said_in)
        if field.name not in FACTS or value in (None, ""):
            continue
        if field.name in known:
            facts.append((_(FACTS[field.name]), _(known[field.name][value]), lang()))
        elif field.name == PRICE:
            facts.append((_(FACTS[PRICE]), _price(entry, said_in), said_in))
        else:
            facts.append((_(FACTS[field.name]), str(value), said_in))
    return facts


def _price(entry: Entry, said_in: str) -> str:
    price = yuan(entry.values[PRICE])
    unit = entry.value("unit", said_in)
    return f"{price} / {unit}" if unit else price


def _short(entry: Entry) -> dict[str, Any]:
    """An entry in a list."""
    said_in = entry.lang(lang())
    names = ("department", "spec", "text")
    texts = (str(entry.value(name, said_in) or "").partition("\n")[0] for name in names)
    about = next(filter(None, texts), "")
    rank = entry.values.get("rank")
    return {
        "section": entry.section,
        "code": entry.code,
        "title": entry.title(lang()),
        "rank": _(RANKS[rank]) if rank else "",
        "about": (said_in, about if len(about) <= EXCERPT else f"{about[:EXCERPT]}…"),
        "price": None if entry.values.get(PRICE) is None else (said_in, _price(entry, said_in)),
    }


def _page(name: str, **values: Any) -> Response:
    """Kept by caches for a while, then asked for anew by its tag."""
    page = render_template(
        f"information/public_{name}.html",
        numbers=numbers(read()),
        today=_today(),
        address=_address,
        **values,
    )
    answer = make_response(page)
    answer.headers["Cache-Control"] = f"public, max-age={MAX_AGE_S}"
    if "lang" not in request.args:
        answer.vary.add("Accept-Language")
    answer.add_etag()
    answer.make_conditional(request)
    return answer


def _address(endpoint: str, **values: Any) -> str:
    """Of a page of these, in the language of this one."""
    return url_for(f"information.{endpoint}", **values, lang=lang())


def _today() -> str:
    return service.today(read().now_ms, console().timezone)
