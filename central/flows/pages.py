"""What the pages of spoken menus show: problems, picture and versions in the user's language."""

from collections.abc import Iterable, Sequence
from typing import Any

from markupsafe import Markup, escape

from central.console.context import _, lang, read
from central.console.marks import N_
from central.flows import difference, editing, graph, model, service, translations
from central.flows.document import Document, DocumentError, Problem
from central.flows.trying import Heard
from central.store import Tx

VERSIONS_SHOWN = 30
VERBS = {
    "say": N_("says"),
    "read": N_("reads a long text"),
    "menu": N_("keys"),
    "digits": N_("takes digits"),
    "log_in": N_("card and PIN"),
    "look_up": N_("looks up"),
    "branch": N_("branches"),
    "language": N_("language"),
    "record": N_("records"),
    "queue": N_("waiting queue"),
    "transfer": N_("puts through"),
    "conference": N_("conference"),
    "flow": N_("another menu"),
    "back": N_("goes back"),
    "hang_up": N_("ends"),
}
# Ways out of a step that are no key, value or outcome.
WAYS = {
    "failed": N_("failed"),
    "otherwise": N_("otherwise"),
    "unanswered": N_("nobody there"),
    "person": "0",
}
LANGUAGES = {"zh": N_("Chinese"), "en": N_("English")}
# What PyYAML says most often.
YAML = (
    N_("an alias (*) cannot stand here"),
    N_("mapping values are not allowed here"),
    N_("found character '\\t' that cannot start any token"),
    N_("found unexpected end of stream"),
    N_("could not find expected ':'"),
    N_("expected <block end>, but found '<block mapping start>'"),
    N_("expected <block end>, but found '<scalar>'"),
    N_("expected <block end>, but found '?'"),
    N_("expected ',' or '}', but got ':'"),
    N_("expected ',' or '}', but got '<scalar>'"),
    N_("expected ',' or ']', but got '<stream end>'"),
    N_("expected ',' or '}', but got '<stream end>'"),
)


def main_first(flow: str) -> tuple[bool, str]:
    return flow != "main", flow


def row(tx: Tx, flow: str, live: service.Live) -> dict[str, Any]:
    number = live.numbers.get(flow)
    numbers = tx.all("SELECT number FROM services WHERE purpose = ?", (f"{service.PURPOSE}{flow}",))
    return {
        "flow": flow,
        "title": live.documents[flow].title[lang()] if flow in live.documents else "",
        "number": number,
        "row": model.version(tx, flow, number) if number else None,
        "planned": [each for each in model.planned(tx, tx.now_ms) if each["flow"] == flow],
        "drafts": [each for each in model.drafts(tx) if each["flow"] == flow],
        "numbers": [each["number"] for each in numbers],
    }


def checked(flow: str, text: str, refused: Sequence[Problem] = ()) -> dict[str, Any]:
    """refused: what is shown where nothing is wrong with the text by itself and now."""
    tx = read()
    text = text.replace("\r\n", "\n")
    problems = editing.problems(tx, flow, text, tx.now_ms) or list(refused)
    found: Document | None = None
    try:
        found = service.read_as(flow, text)
    except DocumentError:
        pass
    wrong = {each.step for each in problems}
    return {
        "document": found,
        "problems": told(problems),
        "missing": translations.missing(found, problems),
        "picture": None if found is None else graph.drawn(found, wrong),
        "verbs": VERBS,
        "ways": WAYS,
        "languages": LANGUAGES,
    }


def told(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    return [
        {"line": each.line, "step": each.step, "words": words(each), "marked": _marked(each)}
        for each in sorted(problems, key=lambda each: each.line)
    ]


def words(problem: Problem) -> str:
    """In the user's language."""
    values = {key: _(each) if key == "why" else each for key, each in problem.values.items()}
    return _(problem.message, **values)


def _marked(problem: Problem) -> Markup:
    """The same with what stands in the document set off from the words."""
    values = {key: _set_off(key, each) for key, each in problem.values.items()}
    return escape(_(problem.message)) % values


def _set_off(key: str, value: Any) -> Any:
    """why: a way out of a step, or what the reader of YAML says, which is in the catalogue if it is
    usual."""
    if not isinstance(value, str):
        return value
    if key == "why" and _(value) != value:
        return escape(_(value))
    return Markup("<code>{}</code>").format(value)


def first(error: DocumentError) -> str:
    return _("line %(line)s: %(words)s", **told(error.problems)[0])


def versions(tx: Tx, flow: str, live: service.Live) -> list[dict[str, Any]]:
    """The newest first, what is shipped at the end, each with what differs from the one before."""
    rows: list[dict[str, Any]] = [dict(row) for row in model.versions(tx, flow)]
    if flow in service.shipped_texts():
        text = service.shipped_texts()[flow]
        rows.append({"number": 0, "text": text, "by": "", "live_from_ms": 0, "note": ""})
    before = [row["text"] for row in rows[1:]] + [""]
    aside = {each.version.number for each in live.aside if each.version.flow == flow}
    for row, text in zip(rows, before, strict=True):
        row["difference"] = difference.between(text, row["text"]) if row["number"] else []
        row["state"] = _state(row, live.numbers.get(flow), tx.now_ms)
        row["unfit"] = row["number"] in aside
    return rows[:VERSIONS_SHOWN]


def _state(row: dict[str, Any], live: int | None, now_ms: int) -> str:
    if row["text"] == model.GONE:
        return "removed"
    if row["live_from_ms"] is None:
        return "draft"
    if row["live_from_ms"] > now_ms:
        return "planned"
    return "live" if row["number"] == live else "past"


def said(heard: Heard) -> dict[str, str]:
    if heard.lang:
        return {"lang": heard.lang, "text": heard.text}
    return {"lang": "", "text": _(heard.text, **(heard.values or {}))}
