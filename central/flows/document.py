"""A spoken menu as a document: YAML text in, checked steps out.

    flow: fees
    title: {zh: 费用查询, en: Fees}
    start: who
    person: desk                    # where 0 leads in menus that have no 0 of their own
    steps:
      who: {log_in: {}, then: ask}
      ask: {look_up: fees.account, as: fee, then: told, none: nothing, failed: desk}
      told: {say: {zh: "累计{fee.total:money}。", en: "In all {fee.total:money}."}, then: again}
      again:
        menu: {zh: 重听请按1。, en: "To hear it again press 1."}
        keys: {1: told}
      ...

`schema.json` says what each step may hold. `read` refuses what does not fit it, with the line;
what the steps mean together is `checks.py`.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema_rs import Draft202012Validator, ValidationError, ValidationErrorKind

from central.console.marks import N_
from central.flows import misfits

LANGS = ("zh", "en")
# Who logs in.
PATIENT, STAFF = "patient", "staff"
MOST_CHARACTERS = 200_000
WAIT_S, TRIES, PAUSE_S = 5.0, 3, 1.2
MOST_SPOKEN_S = 120.0
MOST_QUEUED_S, EVERY_S = 300.0, 20.0
# What a step's line may be called; the keys of `schema.json`'s kinds of step.
VERBS = (
    "say", "menu", "digits", "read", "log_in", "look_up", "branch", "language", "record", "queue",
    "transfer", "conference", "flow", "back", "hang_up",
)  # fmt: skip


@dataclass(frozen=True)
class Problem:
    """What is wrong with a document, and where: its line (0: the whole) and step ("": none).
    message: an English message id with %(name)s placeholders, for `central.words.seen`."""

    line: int
    step: str
    message: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"line {self.line}: {self.message % self.values}"


class DocumentError(Exception):
    """The document cannot be used; has every problem that was found."""

    error_id = "flow-document"

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


Words = Mapping[str, str]


@dataclass(frozen=True)
class Step:
    """One step. verb: of VERBS. words: by language, empty for none. what: of the verb itself (an
    offer, a number, a value's name). edges: where it goes, by why: "then", "failed", an outcome, or
    "key 1"; `more`: the rest of what it says, by the schema's names."""

    name: str
    line: int
    verb: str
    words: Words
    what: str
    edges: Mapping[str, str]
    more: Mapping[str, Any]

    @property
    def other(self) -> Words:
        """Said after the words, in the language that is not spoken."""
        return dict(self.more.get("other", {}))

    @property
    def waiting(self) -> Words:
        """Said again and again in a queue."""
        return dict(self.more.get("waiting", {}))

    @property
    def parts(self) -> Mapping[str, Words]:
        """All that it says, by the part of `doing.slot`."""
        said = {"": self.words, "other": self.other, "waiting": self.waiting}
        return {part: words for part, words in said.items() if words}

    @property
    def place(self) -> str:
        """The name of the place that is put through to, "" for a number or another verb."""
        put_through = self.verb in ("transfer", "queue")
        return self.what if put_through and self.what[:1].isalpha() else ""

    @property
    def keys(self) -> Mapping[str, str]:
        return {why[4:]: to for why, to in self.edges.items() if why.startswith("key ")}

    @property
    def wait_s(self) -> float:
        return float(self.more.get("wait_s", WAIT_S))

    @property
    def pause_s(self) -> float:
        return float(self.more.get("pause_s", PAUSE_S))

    @property
    def most_s(self) -> float:
        """The longest that a caller may speak, or waits in a queue."""
        most_s = MOST_QUEUED_S if self.verb == "queue" else MOST_SPOKEN_S
        return float(self.more.get("most_s", most_s))

    @property
    def every_s(self) -> float:
        """So often a caller in a queue is told his place."""
        return float(self.more.get("every_s", EVERY_S))

    @property
    def tries(self) -> int:
        return int(self.more.get("tries", TRIES))


@dataclass(frozen=True)
class Document:
    """start: the first step. person, failed: steps for 0 and for who presses nothing or wrongly,
    of steps that say nothing of it; "": none."""

    flow: str
    title: Words
    start: str
    person: str
    failed: str
    steps: Mapping[str, Step]


class _Loader(yaml.SafeLoader):
    """Plain data, and no key twice: YAML would take the last one without a word. Nor aliases: a few
    lines of them would stand for more than fits into memory."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.composer.ComposerError(
                None, None, "an alias (*) cannot stand here", self.peek_event().start_mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if name in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{name!r} stands here twice", key.start_mark
                )
            seen.add(name)
        return super().construct_mapping(node, deep=deep)


# yes, no, on and off are words of menus, not truth values.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:bool"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@cache
def schema() -> dict[str, Any]:
    """The published JSON Schema."""
    text = Path(__file__).with_name("schema.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


@cache
def _validator(verb: str = "") -> Draft202012Validator:
    """Of a step of this verb; "": of the document but for its steps."""
    whole = schema()
    if verb:
        return Draft202012Validator(whole["$defs"][verb] | {"$defs": whole["$defs"]})
    steps = whole["properties"]["steps"] | {"additionalProperties": {"type": "object"}}
    return Draft202012Validator(whole | {"properties": whole["properties"] | {"steps": steps}})


def read(text: str) -> Document:
    """The document of a YAML text. Raises DocumentError with what does not fit the schema."""
    if len(text) > MOST_CHARACTERS:
        raise DocumentError([Problem(0, "", N_("The document is too long."))])
    try:
        loader = _Loader(text)
        try:
            root = loader.get_single_node()
            data = None if root is None else _keys_as_text(loader.construct_document(root))
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise DocumentError([_not_yaml(error)]) from None
    except (RecursionError, ValueError):
        raise DocumentError([Problem(0, "", N_("This is no YAML."))]) from None
    lines = {} if root is None else dict(_lines(root, ()))
    problems = list(_misfits(data, lines))
    if problems or data is None:
        raise DocumentError(sorted(problems, key=lambda each: each.line))
    return _document(data, lines)


def _not_yaml(error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None)
    why = getattr(error, "problem", None) or "not YAML"
    line = 0 if mark is None else mark.line + 1
    return Problem(line, "", N_("This is no YAML: %(why)s."), {"why": why})


def _keys_as_text(data: Any) -> Any:
    """Keys of telephones are written as numbers, too."""
    if isinstance(data, dict):
        return {str(key): _keys_as_text(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_keys_as_text(each) for each in data]
    return data


Path_ = tuple[str, ...]


def _lines(node: yaml.Node, path: Path_) -> Iterator[tuple[Path_, int]]:
    """The line on which each place of the document stands."""
    yield path, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            below = (*path, str(key.value))
            yield from _lines(value, below)
            yield below, key.start_mark.line + 1


def _misfits(data: Any, lines: Mapping[Path_, int]) -> Iterator[Problem]:
    if not isinstance(data, dict):
        yield Problem(0, "", N_("The document must begin with flow:, title:, start: and steps:."))
        return
    for error in _validator().iter_errors(data):
        yield from _told(error, (), data, lines)
    steps = data.get("steps")
    for name, body in steps.items() if isinstance(steps, dict) else ():
        verbs = [verb for verb in VERBS if isinstance(body, dict) and verb in body]
        if len(verbs) != 1:
            message = N_("Step %(step)s must have one of: %(verbs)s.")
            values = {"step": name, "verbs": ", ".join(VERBS)}
            yield Problem(lines.get(("steps", name), 0), name, message, values)
            continue
        for error in _validator(verbs[0]).iter_errors(body):
            yield from _told(error, ("steps", name), body, lines)


def _told(
    error: ValidationError, above: Path_, root: Any, lines: Mapping[Path_, int]
) -> Iterator[Problem]:
    path = (*above, *map(str, error.instance_path))
    line = next((lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in lines), 0)
    step = above[1] if above else ""
    where = ".".join(path) or "document"
    kind = error.kind
    if isinstance(kind, ValidationErrorKind.Required):
        message = N_("%(missing)s is missing in %(where)s.")
        yield Problem(line, step, message, {"missing": kind.property, "where": where})
    elif isinstance(kind, ValidationErrorKind.AdditionalProperties):
        for key in kind.unexpected:
            message = N_("%(where)s may not have %(key)s.")
            found = lines.get((*path, key), line)
            yield Problem(found, step, message, {"where": where, "key": key})
    else:
        yield Problem(line, step, *misfits.told(where, kind, error.instance))


_EDGES = ("then", "failed", "otherwise", "unanswered")


def _document(data: dict[str, Any], lines: Mapping[Path_, int]) -> Document:
    return Document(
        flow=data["flow"],
        title=data["title"],
        start=data["start"],
        person=data.get("person", ""),
        failed=data.get("failed", ""),
        steps={
            name: _step(name, body, lines[("steps", name)]) for name, body in data["steps"].items()
        },
    )


def _step(name: str, body: dict[str, Any], line: int) -> Step:
    verb = next(verb for verb in VERBS if verb in body)
    own = body[verb]
    words = own if isinstance(own, dict) and verb != "log_in" else body.get("words", {})
    edges = {why: body[why] for why in _EDGES if why in body}
    edges |= {f"key {key}": to for key, to in body.get("keys", {}).items()}
    edges |= {f"is {case}": to for case, to in body.get("is", {}).items()}
    more = {
        key: value for key, value in body.items()
        if key not in (verb, "words", "keys", "is", "outcomes", *_EDGES)
    }  # fmt: skip
    edges |= {f"outcome {each}": to for each, to in body.get("outcomes", {}).items()}
    what = "" if isinstance(own, dict) else str(own)
    if verb == "log_in":
        what = own.get("kind", PATIENT)
    return Step(name, line, verb, words, what, edges, more)
