"""What every capability wants to hear of: node events, due timers, answers, births of nodes,
what became of telephones it had rung, and what the hospital information system tells.

Each `central/*/service.py` may define EVENTS, TIMERS, ACKS, BIRTHS, ANSWERS, RINGINGS and HOSPITAL;
they are gathered here, so adding a capability is adding a folder.
"""

import functools
import importlib
import importlib.util
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from central.events import NodeEvent
from central.hospital.told import Reason, Told
from central.store import Row, Tx
from central.telephone.service import Ringing
from gateway.his.events import HisEvent

EventRule = Callable[[Tx, NodeEvent], None]
TimerRule = Callable[[Tx, str, dict[str, Any], int], None]
AckRule = Callable[[Tx, Row, str, str | None], None]
BirthRule = Callable[[Tx, str], None]
AnswerRule = Callable[[Tx, str, str, str, str | None], None]
# Told an event of the hospital. Returns remarks; raises HeldError when a person must decide.
HospitalRule = Callable[[Tx, Any, Told], list[Reason]]
# A fault must be known before a call speaks of it; everything else in order of name.
FIRST = ("faults",)


@dataclass
class Rules:
    """The rules of all capabilities, by what they listen to."""

    events: dict[str, list[EventRule]] = field(default_factory=dict)
    timers: dict[str, TimerRule] = field(default_factory=dict)
    acks: list[AckRule] = field(default_factory=list)
    # Told the node's name when it is born: whatever the node must know again.
    births: list[BirthRule] = field(default_factory=list)
    # What boxes answer to what is no command, by the first part of its id ("broadcast" of
    # "broadcast-7"): told the rest of the id, the node, its result and reason.
    answers: dict[str, AnswerRule] = field(default_factory=dict)
    # By what a ringing is about.
    ringings: dict[str, Ringing] = field(default_factory=dict)
    hospital: dict[type[HisEvent], list[HospitalRule]] = field(default_factory=dict)

    def add(self, service: ModuleType) -> None:
        for type, rule in getattr(service, "EVENTS", {}).items():
            self.events.setdefault(type, []).append(rule)
        for kind, timer_rule in getattr(service, "TIMERS", {}).items():
            if kind in self.timers:
                raise ValueError(f"two capabilities answer the timer {kind}")
            self.timers[kind] = timer_rule
        for kind, answer_rule in getattr(service, "ANSWERS", {}).items():
            if kind in self.answers:
                raise ValueError(f"two capabilities are answered as {kind}")
            self.answers[kind] = answer_rule
        for kind, ringing in getattr(service, "RINGINGS", {}).items():
            if kind in self.ringings:
                raise ValueError(f"two capabilities ring about {kind}")
            self.ringings[kind] = ringing
        hospital = getattr(service, "HOSPITAL", {})
        # Some services know the word by the same name that stands for all wards (`central.store`).
        if not isinstance(hospital, str):
            for event, hospital_rule in hospital.items():
                self.hospital.setdefault(event, []).append(hospital_rule)
        self.acks += getattr(service, "ACKS", [])
        self.births += getattr(service, "BIRTHS", [])


@functools.cache
def modules(name: str) -> tuple[ModuleType, ...]:
    """The module `name` (such as "service" or "web") of every capability that has one."""
    import central

    folders = [info.name for info in pkgutil.iter_modules(central.__path__) if info.ispkg]
    folders.sort(key=lambda each: (each not in FIRST, each))
    names = [f"central.{folder}.{name}" for folder in folders]
    found = (each for each in names if importlib.util.find_spec(each))
    return tuple(importlib.import_module(each) for each in found)


def rules() -> Rules:
    gathered = Rules()
    for service in modules("service"):
        gathered.add(service)
    return gathered
