"""The rules of broadcasts: who may, who is left in peace, what is written down.

Two numbers, and no menu: in an emergency nobody listens to a choice or presses the right key, the
right to each is given apart, and a key of a telephone can be set to either.
"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from central.audit import model as audit
from central.broadcasts import model
from central.broadcasts.model import Group
from central.console.marks import N_
from central.directory import model as directory
from central.errors import FieldError
from central.store import HOSPITAL, Row, Tx
from central.wards import model as wards
from gateway.telephone.broadcasting import HEARD

CHANGED = "broadcasts"
STREAM = "broadcast"
FROM_PHONES = (1, 10_000)
_GROUP = re.compile(r"([0-9.]{7,15}):([0-9]{1,5})")
_PLAYED = re.compile(r"([0-9]{1,9}) ms heard, ([0-9]{1,9}) ms lost")


@dataclass(frozen=True)
class Plan:
    """What a broadcast that may begin is to do. number: what was dialled for it; endpoints: the
    telephones to be rung; group: the multicast group instead; wards: whose boxes hear it; replaces:
    the channels of those who must be silent now."""

    broadcast: int
    number: str
    endpoints: tuple[str, ...]
    group: Group | None
    wards: tuple[str, ...]
    replaces: tuple[str, ...]

    @property
    def stream(self) -> str:
        """What the boxes know it by."""
        return f"{STREAM}-{self.broadcast}"


def begin(tx: Tx, channel: str, number: str | None, device: str | None, urgent: bool) -> Plan | str:
    """Somebody has dialled it. Returns model.REFUSED or OCCUPIED where he may not speak; CUT where
    his call is one that our end has cut off: who had listened to it is just being hung up on, and
    would count as busy. He dials again."""
    if tx.one("SELECT 1 FROM broadcasts WHERE channel = ? AND state = ?", (channel, model.CUT)):
        return model.CUT
    running = model.running(tx)
    state = model.RUNNING
    if number is None or device is None or not model.may(tx, number, device, urgent):
        state = model.REFUSED
    elif any(each["urgent"] >= int(urgent) for each in running):
        state = model.OCCUPIED
    now_ms = tx.clock.real_ms()
    person = _person(tx, number)
    broadcast = tx.insert(
        "broadcasts", urgent=int(urgent), number=number, device=device, person=person,
        channel=channel, began_ms=now_ms, ended_ms=None if state == model.RUNNING else now_ms,
        state=state,
    )  # fmt: skip
    told: dict[str, object] = {
        "extension": number,
        "device": device,
        "person": person,
        "urgent": urgent,
    }
    if state != model.RUNNING:
        told["result"] = state
        audit.append(
            tx, number or "outside", "broadcast.refused", f"broadcast/{broadcast}", detail=told
        )
        tx.changed(HOSPITAL, CHANGED)
        return state
    audit.append(tx, str(number), "broadcast.begin", f"broadcast/{broadcast}", detail=told)
    for each in running:
        tx.execute("UPDATE broadcasts SET state = ? WHERE id = ?", (model.REPLACED, each["id"]))
    tx.changed(HOSPITAL, CHANGED)
    return _plan(tx, broadcast, str(device), urgent, tuple(each["channel"] for each in running))


def _person(tx: Tx, number: str | None) -> str | None:
    return tx.value(
        "SELECT people.name FROM extensions JOIN people ON people.id = extensions.person"
        " WHERE number = ?",
        (number,),
    )


def _plan(tx: Tx, broadcast: int, device: str, urgent: bool, replaces: tuple[str, ...]) -> Plan:
    """Note whom it shall reach, and whom it leaves in peace."""
    phones = [each for each in model.everybody(tx) if each["device"] != device]
    group = model.group(tx)
    by_group = group.address is not None and len(phones) >= group.from_phones
    endpoints = []
    for each in phones:
        outcome = model.MULTICAST if by_group else None
        if not by_group and not urgent and each["ward"] and is_quiet(tx, each["ward"]):
            outcome = model.QUIET
        if outcome is None:
            endpoints.append(f"PJSIP/{each['device']}")
        tx.insert(
            "broadcast_phones", broadcast=broadcast, device=each["device"], number=each["number"],
            ward=each["ward"], outcome=outcome,
        )  # fmt: skip
    for node in wards.nodes(tx):
        tx.insert("broadcast_boxes", broadcast=broadcast, ward=node["ward"], node=node["id"])
    everywhere = tuple(row["id"] for row in wards.wards(tx))
    number = model.number(tx, urgent)
    by = group if by_group else None
    return Plan(broadcast, number, tuple(endpoints), by, everywhere, replaces)


def is_quiet(tx: Tx, ward: str) -> bool:
    """Whether it is a time of day for which the ward has a volume below that of its day. Its boxes
    then speak so low; a telephone is as loud as ever, so it is not rung for an ordinary one."""
    settings = wards.settings(tx, ward)
    now = datetime.fromtimestamp(tx.now_ms / 1000)
    minute = now.hour * 60 + now.minute
    for band in settings.get("bands", ()):
        first, last = band["from_min"], band["to_min"]
        within = first <= minute < last if first < last else not last <= minute < first
        if within and band["volume"] < settings.get("day_volume", 100):
            return True
    return False


def end(tx: Tx, broadcast: int, state: str, outcomes: Mapping[str, str]) -> None:
    """It is over; `outcomes` by endpoint. Nothing, when it had ended before."""
    for endpoint, outcome in outcomes.items():
        tx.execute(
            "UPDATE broadcast_phones SET outcome = ? WHERE broadcast = ? AND device = ?",
            (outcome, broadcast, endpoint.removeprefix("PJSIP/")),
        )
    tx.changed(HOSPITAL, CHANGED)
    row = model.one(tx, broadcast)
    if row is None or row["ended_ms"] is not None:
        return
    now_ms = tx.clock.real_ms()
    state = state if row["state"] == model.RUNNING else row["state"]  # why it ended is known
    tx.execute(
        "UPDATE broadcasts SET ended_ms = ?, state = ? WHERE id = ?", (now_ms, state, broadcast)
    )
    heard = sum(each.startswith(HEARD) for each in outcomes.values())
    audit.append(
        tx, row["number"], "broadcast.end", f"broadcast/{broadcast}",
        detail={
            "result": state,
            "extension": row["number"], "device": row["device"], "person": row["person"],
            "urgent": bool(row["urgent"]), "seconds": (now_ms - row["began_ms"]) // 1000,
            "phones_heard": heard, "phones_missed": len(outcomes) - heard,
        },
    )  # fmt: skip


def recover(tx: Tx) -> None:
    """At the start: what still runs by the rows was cut off by our end."""
    for each in model.running(tx):
        end(tx, each["id"], model.CUT, {})


def on_answer(tx: Tx, ref: str, node: str, result: str, reason: str | None) -> None:
    """A box says what it has heard of broadcast `ref`."""
    played = _PLAYED.fullmatch(reason or "")
    heard_ms, lost_ms = (int(played[1]), int(played[2])) if played else (None, None)
    tx.execute(
        "UPDATE broadcast_boxes SET result = ?, reason = ?, heard_ms = ?, lost_ms = ?"
        " WHERE broadcast = ? AND node = ?",
        (result, None if played else reason, heard_ms, lost_ms, ref, node),
    )
    tx.changed(HOSPITAL, CHANGED)


ANSWERS = {STREAM: on_answer}


# --- what the console changes ---


def allow(tx: Tx, holder: str, name: str, urgent: bool, *, by: str) -> None:
    """`holder`: model.EXTENSION or CLASS. In place of what it might before. Raises FieldError."""
    known: Row | None = None
    if holder == model.EXTENSION:
        known = directory.extension(tx, name)
        if known is None:
            raise FieldError("name", N_("There is no such extension."))
    elif holder == model.CLASS:
        known = tx.one("SELECT 1 FROM permission_classes WHERE name = ?", (name,))
        if known is None:
            raise FieldError("name", N_("There is no such permission class."))
    else:
        raise FieldError("holder", N_("Choose an extension or a permission class."))
    tx.execute(f"DELETE FROM broadcast_rights WHERE {holder} = ?", (name,))
    tx.insert("broadcast_rights", **{holder: name}, urgent=int(urgent))
    audit.append(tx, by, "broadcast.allow", f"{holder}/{name}", detail={"urgent": urgent})


def forbid(tx: Tx, holder: str, name: str, *, by: str) -> None:
    """Nothing, where there was no such right."""
    if holder not in (model.EXTENSION, model.CLASS):
        return
    if tx.execute(f"DELETE FROM broadcast_rights WHERE {holder} = ?", (name,)).rowcount:
        audit.append(tx, by, "broadcast.forbid", f"{holder}/{name}")


def set_group(
    tx: Tx, address: str | None, network: str | None, from_phones: int, *, by: str
) -> None:
    """`address`: None for no multicast. Raises FieldError."""
    if address is not None:
        _check_group(address)
    if network is not None:
        _check_network(network)
    if not FROM_PHONES[0] <= from_phones <= FROM_PHONES[1]:
        raise FieldError(
            "from_phones",
            N_("Give a number from %(least)s to %(most)s."),
            least=FROM_PHONES[0],
            most=FROM_PHONES[1],
        )
    tx.execute(
        "UPDATE broadcast_group SET group_address = ?, network = ?, from_phones = ?",
        (address, network, from_phones),
    )
    audit.append(
        tx, by, "broadcast.group", detail={"group": address, "network": network, "n": from_phones}
    )


def _check_group(address: str) -> None:
    match = _GROUP.fullmatch(address)
    try:
        if match and ipaddress.IPv4Address(match[1]).is_multicast and 1024 <= int(match[2]) < 65536:
            return
    except ValueError:
        pass
    raise FieldError("group", N_("A multicast group is written as 239.255.6.21:5004."))


def _check_network(network: str) -> None:
    try:
        ipaddress.IPv4Address(network)
    except ValueError:
        raise FieldError(
            "network", N_("Give the exchange's own address in that network, as 10.1.2.3.")
        ) from None
