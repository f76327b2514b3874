"""What the steps of a menu mean together: dead ends, steps that nothing reaches, loops in which
nobody presses a key, values that are used before they are known, patients' data without a log-in.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from central.console.marks import N_
from central.directory import places
from central.flows import reading
from central.flows.document import LANGS, PATIENT, STAFF, Document, DocumentError, Problem, Step
from central.flows.offers import Offer

# What stands for who has logged in, among the values that are known at a step.
LOGGED_IN = {PATIENT: "\0patient", STAFF: "\0staff"}
OUTCOME = "outcome "


def check(
    documents: Mapping[str, Document], offers: Mapping[str, Offer], only: str | None = None
) -> None:
    """Raises DocumentError with all that is wrong with `only` (None: any of them)."""
    problems: list[Problem] = []
    for flow, document in documents.items():
        if only is None or flow == only:
            problems += problems_of(document, documents, offers)
    if not problems:
        problems += [problem for _, problem in circles(documents)]
    if problems:
        raise DocumentError(sorted(problems, key=lambda each: each.line))


def problems_of(
    document: Document, documents: Mapping[str, Document], offers: Mapping[str, Offer]
) -> list[Problem]:
    found = [*_names(document), *_each_step(document, documents, offers)]
    if found:
        return found
    return [*_unreached(document), *_loops(document), *_values(document, offers)]


def ways(document: Document, step: Step) -> Iterator[tuple[str, str]]:
    """(why, to) of everything that may follow a step in its document."""
    yield from step.edges.items()
    if step.verb in ("menu", "read", "record") and document.person and "0" not in step.keys:
        yield "person", document.person
    if can_fail(step) and "failed" not in step.edges and document.failed not in ("", step.name):
        yield "failed", document.failed


def can_fail(step: Step) -> bool:
    return step.verb in ("menu", "digits", "log_in", "look_up", "record")


def _names(document: Document) -> Iterator[Problem]:
    for key, name in (
        ("start", document.start), ("person", document.person), ("failed", document.failed),
    ):  # fmt: skip
        if name and name not in document.steps:
            message = N_("%(key)s leads to %(to)s, and there is no such step.")
            yield Problem(1, "", message, {"key": key, "to": name})
    for step in document.steps.values():
        for why, to in step.edges.items():
            if to not in document.steps:
                yield Problem(
                    step.line, step.name,
                    N_("Step %(step)s leads (%(why)s) to %(to)s, and there is no such step."),
                    {"step": step.name, "why": why, "to": to},
                )  # fmt: skip


def _each_step(
    document: Document, documents: Mapping[str, Document], offers: Mapping[str, Offer]
) -> Iterator[Problem]:
    for step in document.steps.values():
        yield from _words(step)
        if step.verb == "look_up":
            yield from _look_up(step, offers.get(step.what), offers)
        if step.verb == "flow" and step.what not in documents:
            message = N_("Step %(step)s begins the menu %(to)s, and there is no such menu.")
            yield Problem(step.line, step.name, message, {"step": step.name, "to": step.what})
        if step.place and step.place not in places.RUNG:
            message = N_("Step %(step)s puts through to %(to)s. There are: %(known)s.")
            known = ", ".join(places.RUNG)
            told = {"step": step.name, "to": step.place, "known": known}
            yield Problem(step.line, step.name, message, told)
        elif step.place and "unanswered" not in step.edges:
            message = N_("Step %(step)s must say unanswered: where it leads when nobody is there.")
            yield Problem(step.line, step.name, message, {"step": step.name})
        if step.verb == "digits":
            least, most = int(step.more.get("least", 1)), int(step.more.get("most", 32))
            if least > most:
                message = N_("Step %(step)s wants at least %(least)s keys and at most %(most)s.")
                values = {"step": step.name, "least": least, "most": most}
                yield Problem(step.line, step.name, message, values)


def _words(step: Step) -> Iterator[Problem]:
    wanted: dict[str, set[tuple[str, str]]] = {}
    for lang, text in (each for words in step.parts.values() for each in words.items()):
        try:
            wanted[lang] = set(reading.placeholders(text))
        except reading.UnreadableError as error:
            message = N_(
                "Step %(step)s (%(lang)s): %(what)s cannot be read aloud. Readings: %(known)s."
            )
            yield Problem(
                step.line, step.name, message,
                {
                    "step": step.name, "lang": lang, "what": str(error)[:80],
                    "known": ", ".join(reading.READINGS),
                },
            )  # fmt: skip
    for lang in LANGS:
        # A voice says nothing of signs alone.
        if any(not any(map(str.isalnum, words.get(lang, ""))) for words in step.parts.values()):
            message = N_("Step %(step)s has no words in %(lang)s.")
            yield Problem(step.line, step.name, message, {"step": step.name, "lang": lang})


def _look_up(step: Step, offer: Offer | None, offers: Mapping[str, Offer]) -> Iterator[Problem]:
    def problem(message: str, **values: Any) -> Problem:
        return Problem(step.line, step.name, message, {"step": step.name} | values)

    if offer is None:
        known = ", ".join(sorted(offers))
        message = N_("Step %(step)s looks up %(what)s, which nobody offers. Offered: %(known)s.")
        yield problem(message, what=step.what, known=known)
        return
    given = step.more.get("with", {})
    for name in sorted(set(offer.takes) - set(given)):
        yield problem(N_("Step %(step)s must say %(name)s under with."), name=name)
    for name in sorted(set(given) - set(offer.takes)):
        yield problem(N_("%(what)s takes no %(name)s."), what=step.what, name=name)
    answered = {why.removeprefix(OUTCOME) for why in step.edges if why.startswith(OUTCOME)}
    for name in sorted(set(offer.others) - answered):
        message = N_("Step %(step)s must say under outcomes where %(name)s leads (%(about)s).")
        yield problem(message, name=name, about=offer.others[name])
    for name in sorted(answered - set(offer.others)):
        yield problem(N_("%(what)s has no outcome %(name)s."), what=step.what, name=name)
    if (offer.gives or offer.tells) and "as" not in step.more:
        yield problem(N_("Step %(step)s must say as: what its values are called here."))


def _unreached(document: Document) -> Iterator[Problem]:
    reached, left = set(), [document.start]
    while left:
        name = left.pop()
        if name not in reached:
            reached.add(name)
            left += [to for _, to in ways(document, document.steps[name])]
    for step in document.steps.values():
        if step.name not in reached:
            message = N_("Nothing leads to step %(step)s.")
            yield Problem(step.line, step.name, message, {"step": step.name})


# --- loops ---


def _by_itself(document: Document, step: Step) -> Iterator[str]:
    """The steps that may follow although the caller presses nothing."""
    if step.verb in ("menu", "digits", "log_in"):
        yield from (to for why, to in ways(document, step) if why == "failed")
    elif step.verb == "read":
        yield step.edges["then"]
    else:
        yield from (to for _, to in ways(document, step))


def _loops(document: Document) -> Iterator[Problem]:
    graph = {
        name: list(dict.fromkeys(_by_itself(document, step)))
        for name, step in document.steps.items()
    }
    for loop in _cycles(graph):
        step = document.steps[loop[0]]
        message = N_("%(steps)s go on for ever when nobody presses a key.")
        yield Problem(step.line, step.name, message, {"steps": " → ".join([*loop, loop[0]])})


def circles(documents: Mapping[str, Document]) -> Iterator[tuple[list[str], Problem]]:
    """Menus that begin each other, all of them with nobody pressing a key."""
    graph = {
        flow: [to for to in _begun_by_itself(document) if to in documents]
        for flow, document in documents.items()
    }
    for loop in _cycles(graph):
        message = N_("The menus %(flows)s begin each other for ever.")
        yield loop, Problem(1, "", message, {"flows": " → ".join([*loop, loop[0]])})


def _begun_by_itself(document: Document) -> Iterable[str]:
    """The menus that this one may begin with no key pressed from its start on."""
    found: dict[str, None] = {}
    seen, left = set(), [document.start]
    while left:
        name = left.pop()
        if name in seen or name not in document.steps:
            continue
        seen.add(name)
        step = document.steps[name]
        if step.verb == "flow":
            found[step.what] = None
        left += _by_itself(document, step)
    return found


def _cycles(graph: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    """One loop through each knot of the graph, its steps in order."""
    done: set[str] = set()
    for root in graph:
        path: list[str] = []
        stack = [(root, iter(graph[root]))]
        on_path = {root}
        path.append(root)
        while stack and root not in done:
            name, following = stack[-1]
            nxt = next((each for each in following if each not in done), None)
            if nxt is None:
                stack.pop()
                on_path.discard(path.pop())
                done.add(name)
            elif nxt in on_path:
                yield path[path.index(nxt) :]
            else:
                path.append(nxt)
                on_path.add(nxt)
                stack.append((nxt, iter(graph[nxt])))


# --- values ---


def _values(document: Document, offers: Mapping[str, Offer]) -> Iterator[Problem]:
    """What is certainly known at a step, whichever way led there."""
    known: dict[str, frozenset[str]] = {document.start: frozenset()}
    left = [document.start]
    while left:
        name = left.pop()
        step = document.steps[name]
        for why, to in ways(document, step):
            after = known[name] | _given(step, why, offers)
            before = known.get(to)
            joined = after if before is None else before & after
            if joined != before:
                known[to] = joined
                left.append(to)
    readings = _readings(document, offers)
    for name, step in document.steps.items():
        yield from _used(step, known.get(name, frozenset()), readings, offers)


def _given(step: Step, why: str, offers: Mapping[str, Offer]) -> frozenset[str]:
    if step.verb in ("menu", "read") and why.startswith("key "):
        return frozenset({step.more["into"]} if "into" in step.more else ())
    if step.verb == "look_up" and why.startswith(OUTCOME):
        told = offers[step.what].tells.get(why.removeprefix(OUTCOME), ())
        return frozenset(f"{step.more.get('as')}.{name}" for name in told)
    if why != "then":
        return frozenset()
    match step.verb:
        case "digits" | "record":
            return frozenset({step.more["into"]})
        case "log_in":
            return frozenset({LOGGED_IN[step.what]})
        case "look_up":
            return frozenset(f"{step.more.get('as')}.{name}" for name in offers[step.what].gives)
    return frozenset()


def _readings(document: Document, offers: Mapping[str, Offer]) -> dict[str, str]:
    found = {}
    for step in document.steps.values():
        if step.verb == "look_up":
            offer = offers[step.what]
            for given in (offer.gives, *offer.tells.values()):
                for name, how in given.items():
                    found[f"{step.more.get('as')}.{name}"] = how
        elif "into" in step.more:
            # What was spoken is no words: it can be given to look-ups, and not be read out.
            found[step.more["into"]] = "record" if step.verb == "record" else "digits"
    return found


def _used(
    step: Step, known: frozenset[str], readings: Mapping[str, str], offers: Mapping[str, Offer]
) -> Iterator[Problem]:
    wanted: dict[str, str | None] = {}
    for text in (each for words in step.parts.values() for each in words.values()):
        wanted |= dict(reading.placeholders(text))
    if step.verb in ("branch", "read"):
        wanted[step.what] = None if step.verb == "branch" else ""
    for given in step.more.get("with", {}).values():
        if str(given).startswith("$"):
            wanted[str(given)[1:]] = None
    for name, how in wanted.items():
        if name not in known:
            message = N_("Step %(step)s uses %(name)s, which is not known on every way there.")
            yield Problem(step.line, step.name, message, {"step": step.name, "name": name})
        elif how is not None and readings.get(name, "") not in ("", how):
            message = N_("Step %(step)s reads %(name)s as %(how)s; it is read as %(right)s.")
            values = {
                "step": step.name,
                "name": name,
                "how": how or "text",
                "right": readings[name],
            }
            yield Problem(step.line, step.name, message, values)
    if step.verb == "look_up" and offers[step.what].of_patient and LOGGED_IN[PATIENT] not in known:
        message = N_("Step %(step)s looks up a patient's data: every way there must log in before.")
        yield Problem(step.line, step.name, message, {"step": step.name})
    if step.verb == "look_up" and offers[step.what].of_staff and LOGGED_IN[STAFF] not in known:
        message = N_(
            "Step %(step)s is for the staff: every way there must log in before, by kind: staff."
        )
        yield Problem(step.line, step.name, message, {"step": step.name})
