"""The demo's hospital: wards, beds, boxes, people, and where the hospital system's beds are.

Loading it again changes nothing that is there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from central.broadcasts import service as broadcasts
from central.console import model as console
from central.console import service as people
from central.directory import changing, facilities
from central.directory import model as directory
from central.directory import places as named
from central.directory import service as telephones
from central.exams import model as exams
from central.exams import rooms
from central.exams import service as queue
from central.hospital import model as messages
from central.hospital.service import map_location
from central.hours import editing as hours
from central.hours import model as calendar
from central.hours.rules import HOLIDAY, Special
from central.personal import desks, finding, speed
from central.recordings import service as recordings
from central.store import Tx
from central.wards import model as wards
from gateway.telephone.personal import Target
from provisioning.layout import WardPlan

# A demo on loopback: meant to be read on the screen and typed.
PASSWORD = "wardline-demo"
# The sample message of the demo's story, and the bed it speaks of, in its sender's words.
ADMISSION = "ADT-A01-01.hl7"
ADMISSION_SENDER = "ADTApp/GHHSFacility"
ADMISSION_PLACE = "HUH AE OMU^OMU B^Bed 03^HOMERTON UNIVER"
ADMISSION_BED = ("3", "3")


# What the telephones of the demo can dial beside each other; README tells.
ROOM, PARKING, PLACES, VOICEMAIL, PIN = "8800", "8700", ("8701", "8705"), "8900", "2580"
BROADCAST, URGENT = "621", "622"
# Spoken menus, by what answers them.
MENUS = {
    "8600": "menu_main", "8601": "menu_fees", "8602": "menu_exams", "8603": "menu_information",
    "8604": "menu_staff", "8605": "menu_message", "8606": "menu_studio",
}  # fmt: skip
# What the menus tell to whom needs help at once.
EMERGENCY = "120"
# The number for logging in at a telephone, one who has none of his own, and his PIN.
DESK, ROUNDS, ROUNDS_PIN = "8901", "8201", "258025"
# A nurse of the first ward, who identifies herself at the staff menu by the same PIN.
NURSE = "8203"
# The examination room, and what the systems that are named HIS call it.
EXAM_ROOM, EXAM_CODE = "201", "US-2"
MANAGER = "8102"  # who may dial these
COLLEAGUES = "nurses"


@dataclass(frozen=True)
class Login:
    """Somebody who may log in to the demo."""

    name: str
    display: str
    role: str
    ward: str | None = None


def logins(plans: tuple[WardPlan, ...]) -> list[Login]:
    nurses = [Login(f"nurse{plan.id}", f"{plan.name_zh}护士", "nurse", plan.id) for plan in plans]
    heads = [
        Login(f"head{plan.id}", f"{plan.name_zh}护士长", "head_nurse", plan.id)
        for plan in plans[1:]
    ]
    return [
        *nurses,
        Login("head", "护士长", "head_nurse", plans[0].id),
        *heads,
        Login("manager", "值班经理", "duty_manager"),
        Login("engineer", "工程师", "engineer"),
        Login("registry", "挂号收费员", "registry"),
        Login("technician", "检查技师", "technician"),
        Login("admin", "管理员", "admin"),
    ]


@dataclass(frozen=True)
class DemoPhone:
    """A telephone of the demo, to be played by a softphone. ward: it is its nurse station's."""

    number: str
    label: str
    ward: str | None = None

    @property
    def address(self) -> str:
        """A hardware address that no factory gives away (its second lowest bit is set)."""
        return f"0200{int(self.number):08d}"


def phones(plans: tuple[WardPlan, ...]) -> list[DemoPhone]:
    """A nurse station in each ward that has a number, then those further up."""
    stations = [
        DemoPhone(f"80{int(plan.id):02d}", f"{plan.name_zh}护士站", plan.id)
        for plan in plans
        if plan.id.isdigit()
    ]
    return [*stations, DemoPhone("8101", "护士长"), DemoPhone(MANAGER, "值班经理")]


def station(plans: tuple[WardPlan, ...], ward: str) -> DemoPhone:
    """The telephone of a ward's nurse station."""
    return next(each for each in phones(plans) if each.ward == ward)


def load(tx: Tx, plans: tuple[WardPlan, ...]) -> None:
    """Put the hospital of `plans` into the database, as far as it is not there yet."""
    for plan in plans:
        _ward(tx, plan)
    for plan in plans:
        if plan.neighbour is not None:
            wards.set_neighbour(tx, plan.id, plan.neighbour)
    for login in logins(plans):
        if console.user(tx, login.name) is None:
            people.add_user(
                tx, login.name, login.display, login.role, PASSWORD, ward=login.ward, by="demo"
            )
    for phone in phones(plans):
        if directory.extension(tx, phone.number) is None:
            telephones.add_extension(tx, phone.number, phone.label, ward=phone.ward, by="demo")
            telephones.add_phone(
                tx, phone.address, phone.number, label=phone.label, groups=(COLLEAGUES,), by="demo"
            )
    if not directory.used(tx, VOICEMAIL):
        _facilities(tx, phones(plans))
    if not directory.used(tx, BROADCAST):
        telephones.add_service(tx, BROADCAST, "broadcast", by="demo")
        telephones.add_service(tx, URGENT, "broadcast_urgent", by="demo")
        broadcasts.allow(tx, "extension", MANAGER, True, by="demo")
    for number, purpose in MENUS.items():
        if not directory.used(tx, number):
            telephones.add_service(tx, number, purpose, [phones(plans)[0].number], by="demo")
    _service_desk(tx, phones(plans)[-2].number)
    if not directory.used(tx, DESK):
        _free_seating(tx, phones(plans)[0].number, logins(plans)[0])
    if exams.room(tx, EXAM_ROOM) is None:
        _examinations(tx, plans)
    for (sender, place), (ward, bed) in places(plans).items():
        if messages.location(tx, sender, place) is None:
            map_location(tx, sender, place, ward, bed, "demo")


def _facilities(tx: Tx, rung: Sequence[DemoPhone]) -> None:
    """What telephones can do beside ring. A nurse station has no mailbox: it is answered."""
    facilities.add_room(tx, ROOM, "会议室", by="demo")
    facilities.set_parking(tx, PARKING, *PLACES, by="demo")
    telephones.add_service(tx, VOICEMAIL, "voicemail", by="demo")
    recordings.switch_key(tx, True, by="demo")
    for phone in rung:
        if phone.ward is None:
            facilities.set_mailbox(tx, phone.number, PIN, by="demo")


def _service_desk(tx: Tx, number: str) -> None:
    """Where 0 leads in the menus, and the one holiday whose date needs no announcement."""
    for name, wanted in ((named.DESK, number), (named.EMERGENCY, EMERGENCY)):
        if name not in directory.places(tx):
            named.put(tx, name, wanted, by="demo")
    today = datetime.fromtimestamp(tx.now_ms / 1000).date()
    if not calendar.days(tx, today):
        hours.put_days(tx, {date(today.year + 1, 1, 1): Special(HOLIDAY, "元旦")}, "demo")


def _nurse(tx: Tx, login: Login) -> None:
    """Her extension has no telephone of its own: she is who she is wherever she calls from."""
    person = telephones.add_person(tx, login.display, ward=login.ward, by="demo")
    changing.change_person(
        tx, person, login.display, ward=login.ward, user=login.name, by="demo"
    )  # fmt: skip
    telephones.add_extension(tx, NURSE, login.display, person=person, by="demo")
    desks.put(tx, NURSE, rights=directory.INTERNAL, pin=ROUNDS_PIN, by="demo")


def _free_seating(tx: Tx, station: str, nurse: Login) -> None:
    """Somebody without a telephone: he is found at others, or logs in at one."""
    telephones.add_service(tx, DESK, "desk", by="demo")
    telephones.add_extension(tx, ROUNDS, "查房医生", by="demo")
    desks.put(tx, ROUNDS, rights=directory.INTERNAL, pin=ROUNDS_PIN, by="demo")
    _nurse(tx, nurse)
    finding.find(tx, ROUNDS, [Target("8101", ring_s=15), Target(MANAGER)], by="demo")
    speed.put(tx, "*001", station, by="demo")


def _examinations(tx: Tx, plans: tuple[WardPlan, ...]) -> None:
    """A room with a queue: one is inside, one is there, one is expected in half an hour."""
    walks = {plan.id: 6 + 3 * n for n, plan in enumerate(plans)}
    rooms.put(tx, rooms.Room(EXAM_ROOM, "超声一室", "Ultrasound 1", walks=walks), "demo")
    rooms.map_code(tx, "HIS", EXAM_CODE, EXAM_ROOM, "demo")
    for patient, name, in_min in (
        ("10011", "李强", 0),
        ("10012", "赵敏", 0),
        ("10013", "孙伟", 30),
    ):
        at_ms = tx.now_ms + in_min * 60_000 if in_min else None
        made = queue.book(tx, EXAM_ROOM, patient, "demo", name=name, at_ms=at_ms)
        if patient == "10011":
            queue.do(tx, made["id"], "start", "demo")


def places(plans: tuple[WardPlan, ...]) -> dict[tuple[str, str], tuple[str, str]]:
    """Ward and bed by the hospital system's sender and PV1-3: that of the public sample, and a
    plain one for every bed, such as `3^^5` from a sender named HIS."""
    found = {
        ("HIS", f"{plan.id}^^{bed}"): (plan.id, bed) for plan in plans for bed in plan.all_beds
    }
    if ADMISSION_BED in found.values():
        found[ADMISSION_SENDER, ADMISSION_PLACE] = ADMISSION_BED
    return found


def _ward(tx: Tx, plan: WardPlan) -> None:
    if wards.ward(tx, plan.id) is None:
        wards.add_ward(tx, plan.id, plan.name_zh, plan.name_en)
    for node, role in plan.nodes.items():
        if wards.node(tx, node) is None:
            wards.add_node(tx, node, plan.id, role)
    for bed in plan.all_beds:
        if wards.bed(tx, plan.id, bed) is None:
            wards.add_bed(tx, plan.id, bed, plan.box_of(bed))
