"""Something to see on every page: calls, a drip, a fault, a message, an announcement, a patient."""

from datetime import date, timedelta, timezone

from central import events
from central.announcements import rules
from central.announcements import service as announcements
from central.box_logs import model as box_log_rows
from central.box_logs import service as box_logs
from central.broadcasts import model as broadcast_rows
from central.broadcasts import service as broadcasts
from central.call_records import service as call_records
from central.calls import service as calls
from central.directory import changing, facilities, outside, places
from central.directory import service as directory
from central.directory.present import mark
from central.events import NodeEvent
from central.exams import rooms
from central.exams import service as exams
from central.faults import service as faults
from central.fees import editing
from central.fees import service as fees
from central.fees.cover import Band, RuleSet
from central.fees.scope import Item
from central.flows import editing as menus
from central.flows import service as live_menus
from central.hospital import service as hospital
from central.hospital.told import Told
from central.hours import editing as hours
from central.hours.rules import Special
from central.infusions import service as infusions
from central.left_messages import model as left_messages_model
from central.left_messages import service as left_messages
from central.patients import details, issuing
from central.patients.details import Contact
from central.personal import desks, finding, speed
from central.recordings import service as recordings
from central.store import Tx
from central.telephone import lockouts
from central.updates import service as updates
from central.voicemail import service as voicemail
from central.wards import model as wards
from gateway.his.events import Charge, ChargeEvent
from gateway.his.message import parse
from gateway.mqtt import kinds
from gateway.telephone.guard import Lockout
from gateway.telephone.messages import Message
from gateway.telephone.personal import Hours, Target
from provisioning import demo_information
from tests.call_records.conftest import NAMES, moved, written

PEER = "10.1.2.3"
ZONE = timezone(timedelta(hours=8))
# One bed that nobody has mapped, so that it waits, and one that makes a patient of bed 1.
LOCATIONS = {"ICU^9^1": None, "3^301^1": "1"}

# Every page that an administrator may open; what stands in one place stands in all of them.
PAGES = (
    "/wards", "/health", "/board/3", "/board", "/calls", "/calls/1", "/beds?ward=3", "/beds/3/1",
    "/notices?ward=3",
    "/infusions", "/infusions/1", "/infusions/new", "/infusions/1/next", "/infusions/dressing",
    "/announcements", "/announcements/1", "/announcements/new", "/announcements/volume",
    "/announcements/volume/3", "/policies", "/policies/3", "/faults", "/nodes", "/nodes/3-box",
    "/nodes/3-box/logs/1",
    "/enrolment", "/updates", "/updates/failures/1", "/fleet", "/fleet/scrapers",
    "/proofs", "/proofs/3/1", "/proofs/3/book",
    "/call-records", "/call-records/1", "/call-records/rates",
    "/recordings", "/recordings/rules", "/left-messages", "/flows/main/prompts",
    "/broadcasts", "/broadcasts/1", "/broadcasts/rights",
    "/patients", "/patients?q=P1", "/patients/P1", "/patients/new", "/my/login",
    "/exams", "/exams/201", "/exams/201/screen", "/exam-rooms", "/exam-rooms/201",
    "/his", "/his/messages/1", "/his/locations", "/his/interfaces",
    "/users", "/screens", "/audit", "/search?q=1",
    "/me", "/nothing-here",
    "/contents", "/contents/experts", "/contents/experts/1", "/contents/medicines/new",
    "/contents/medicines/import", "/contents/experts/name", "/information",
    "/information/experts", "/information/experts/101", "/information/search",
    "/fees?ward=3", "/fees/patients/P1", "/fees/items", "/fees/items/2026-01-01/1001",
    "/fees/items/new", "/fees/import", "/setup", "/fees/rules", "/fees/rules/1",
    "/flows", "/flows/new", "/flows/main", "/flows/fees", "/flows/visitors",
    "/directory/mailboxes", "/directory/mailboxes/8101", "/directory/rooms",
    "/directory/rooms/8800", "/directory/parking", "/directory/parking/700", "/messages",
    "/telephone", "/telephone/lockouts", "/directory/people", "/directory/people/1",
    "/directory/extensions",
    "/directory/extensions/8003", "/directory/phones", "/directory/phones/0015650a1b2c",
    "/directory/phones/0015650a1b2c/log-in",
    "/directory/phones/new", "/directory/groups", "/directory/groups/nurses", "/directory/services",
    "/directory/services/120", "/directory/classes", "/directory/classes/city",
    "/directory/trunks", "/directory/trunks/world", "/directory/routes", "/directory/routes/city",
    "/directory/speed-dials", "/directory/speed-dials/1", "/directory/find-me",
    "/directory/find-me/8101", "/directory/find-me/new", "/directory/desks",
    "/directory/desks/8101", "/directory/places", "/directory/places/desk",
    "/numbers", "/hours", "/hours/plans/service", "/hours/plans/new", "/hours/days",
)  # fmt: skip


def fill_directory(tx: Tx) -> None:
    """Two phones of two numbers, a person, and a line to the world that one class may use."""
    person = directory.add_person(tx, "李医生", ward="3")
    directory.add_extension(tx, "8003", "三病区护士站", ward="3")
    directory.add_extension(tx, "8101", "李医生", person=person)
    outside.add_class(tx, "city", "市内")
    directory.add_phone(tx, "0015650a1b2c", "8003", label="护士站左", groups=["nurses"])
    directory.add_phone(
        tx, "0015650a1b2d", "8101", label="医生办公室", rights="city", groups=["nurses"]
    )
    directory.add_service(tx, "120", "emergency", ["8003"])
    places.put(tx, "desk", "8003")
    holiday = date.fromtimestamp(tx.now_ms / 1000) + timedelta(days=3)
    hours.put_days(tx, {holiday: Special("holiday", "元旦")}, "admin")
    changing.change_person(tx, person, "李医生", ward="3", user="admin", by="admin")
    facilities.set_mailbox(tx, "8101", "4711", mail="li@wang.li")
    facilities.add_room(tx, "8800", "查房会议")
    facilities.set_parking(tx, "700", "701", "709")
    voicemail.take(
        tx,
        [
            Message("8101-17-0", "8101", "8003", tx.now_ms, 12),
            Message("8101-18-0", "8101", "", tx.now_ms, 3),
        ],
    )
    voicemail.heard(tx, "8101-18-0")
    outside.add_trunk(tx, "world", "192.0.2.7:5060", inbound={"62345678": "8003"})
    outside.add_route(tx, "city", "world", ["9NXXXXXXX"], strip=1, limit_s=300)
    outside.allow(tx, "city", ["city"])
    speed.put(tx, "*001", "8003")
    speed.put(tx, "*012", "962221111", owner="8101")
    day = Hours(8 * 60, 17 * 60, (0, 1, 2, 3, 4))
    finding.find(tx, "8101", [Target("8003", day, 30), Target("962221111")])
    tx.insert("desks", number="8101", rights="city", pin_hash="", leave_min=180)
    desks.sit(tx, "8101", "0015650a1b2c", by="李医生")
    lockouts.settle(
        tx,
        [
            Lockout("10.1.2.77", "0015650a1b2c", 1, tx.now_ms / 1000, tx.now_ms / 1000 + 60),
            Lockout("203.0.113.9", "admin", 3, tx.now_ms / 1000 - 99, tx.now_ms / 1000 + 141),
        ],
    )
    lockouts.unlock(tx, "10.1.2.77", "admin")


def fill(tx: Tx) -> None:
    """A busy morning in ward 3, and a house with telephones."""
    fill_directory(tx)
    fill_ward(tx)
    spoke_to_all(tx)
    bill(tx)
    examined(tx)
    told_log(tx)
    changed_menus(tx)
    took_a_version(tx)
    demo_information.enter(tx, by="admin")


def took_a_version(tx: Tx) -> None:
    """A box gave it up, and it waits for the engineer."""
    updates.published(tx, "1.4.0", "", "admin")
    tx.execute("UPDATE nodes SET firmware = '1.3.0', updatable = 1")
    updates.start(tx, version="1.4.0", canary="3-station", soak_ms=600_000, by="admin")
    about = {"version": "1.4.0", "why": "speaker: no such device", "log": "Traceback: ..."}
    name = kinds.event_id("3-station", 1, 1)
    event = NodeEvent(
        name, "3-station", "3", None, 1, 1, kinds.UPDATE_FAILED, about, tx.now_ms, tx.now_ms
    )
    updates.EVENTS[event.type](tx, event)


def fill_ward(tx: Tx) -> None:
    """Calls, a fault, a drip, an announcement and a patient in ward 3."""
    wards.set_neighbour(tx, "3", "5")
    for bed, kind in (("1", "nurse"), ("2", "emergency"), ("3", "infusion")):
        calls.open_call(tx, "3", bed, kind)
    calls.accept(tx, 1, "li", "board")
    fault = {"device": "unit 4", "code": "silent", "detail": "no answer at address 4"}
    for seq, (kind, about) in enumerate(((kinds.PRESS, {"unit": 1}), (kinds.FAULT, fault))):
        name = kinds.event_id("3-box", 1, seq)
        event = NodeEvent(name, "3-box", "3", "4", 1, seq, kind, about, tx.now_ms, tx.now_ms)
        events.store(tx, event)
    faults.raise_fault(tx, ward="3", node="3-box", device="bed 4", code="silent")
    infusions.start(tx, ward="3", bed="1", volume_ml=500, factor=20, gtt_per_min=60, by="li")
    evening = rules.Daily(20 * 60, tuple(range(7)), "Asia/Shanghai")
    announcements.schedule(tx, ["3"], "探视时间到了", "announcement", "li", daily=evening)
    for number, (location, bed) in enumerate(LOCATIONS.items()):
        if bed is not None:
            hospital.map_location(tx, "HIS/H", location, "3", bed, "admin")
        raw = (
            f"MSH|^~\\&|HIS|H|W|W|20260921200000||ADT^A01|m{number}|P|2.5.1|||||||UNICODE UTF-8\r"
            f"EVN|A01|20260921200000\rPID|1||P{number}||陈^小明||19800201|M\r"
            f"PV1|1|I|{location}||||||||||||||||V{number}\r"
        ).encode()
        hospital.take_message(tx, PEER, raw, parse(raw, None), ZONE)
    for number, patient in enumerate(("P0", "P1")):
        raw = (
            f"MSH|^~\\&|HIS|H|W|W|20260921200000||RDE^O11|o{number}|P|2.5.1|||||||UNICODE UTF-8\r"
            f"PID|1||{patient}||陈^小明\rPV1|1|I|{'|' * 16}V{number}\rORC|NW|O{number}\r"
            f"RXE||G5^葡萄糖注射液|500||mL{'|' * 18}100|mL/h\rRXR|IV\r"
        ).encode()
        hospital.take_message(tx, PEER, raw, parse(raw, None), ZONE)
    register(tx)
    talked(tx)


def register(tx: Tx) -> None:
    """The patient of bed 1 has had two cards, somebody to call, and was asked for consent."""
    issuing.issue(tx, "P1", "620100017", by="li")
    issuing.replace(tx, "P1", "620100025", by="li")
    details.change(
        tx, "P1", lang="zh", is_key_account=True,
        contacts=[Contact("family", "陈大明", "13900001111")],
        consents={"follow_up": "yes", "fee_calls": "no"}, by="li",
    )  # fmt: skip


def bill(tx: Tx) -> None:
    """What the patient of bed 1 is charged, by a catalogue and rules."""
    for code, kind, first in (("1001", "A", 0), ("1002", "B", 1000)):
        editing.put_item(tx, Item(code, "头孢曲松", kind, 5000, first), "2026-01-01", "admin")
    rules = RuleSet(
        "", "inpatient", date(2026, 1, 1), "职工医保", 80_000, (Band(100, 8000), Band(None, 9000))
    )
    editing.save_rules(tx, rules, None, mark({}), "admin")
    charges = tuple(
        Charge(f"c{n}", code, "耗材", 2000, fen, None, None, original, None, "", "")
        for n, (code, fen, original) in enumerate(
            (("1001", 12_345, ""), ("1002", 9_900, ""), ("1003", 700, ""), ("1001", -100, "9"))
        )
    )
    fees.HOSPITAL[ChargeEvent](
        tx, ChargeEvent("f1", "HIS/H", "P1", "V1", charges, None), Told("his/1", "HIS/H", ZONE)
    )


def changed_menus(tx: Tx) -> None:
    """A menu that was changed and will be again, a draft with mistakes, and one of its own."""
    shipped = live_menus.shipped_texts()
    hour_ms = 3_600_000
    for place, live_from_ms in enumerate((tx.now_ms, tx.now_ms + hour_ms)):
        text = shipped["main"].replace("您好", "您好" * (place + 2))
        menus.save(
            tx, "main", text, "admin", based_on=place, note="节日问候", live_from_ms=live_from_ms
        )
    menus.save(tx, "fees", shipped["fees"].replace("then: deposit", "to: sky"), "admin", based_on=0)
    menus.create(tx, "visitors", "admin")


def examined(tx: Tx) -> None:
    """An examination room where one is inside, one called, and three wait."""
    rooms.put(tx, rooms.Room("201", "超声一室", "Ultrasound 1", walks={"3": 4}), "admin")
    rooms.map_code(tx, "HIS/H", "201^^", "201", "admin")
    made = [exams.book(tx, "201", f"P{n}", "chen", name="陈小明") for n in range(5)]
    for row, deeds in zip(made, (("call", "start"), ("call",), ("call", "miss")), strict=False):
        for deed in deeds:
            exams.do(tx, row["id"], deed, "chen")


def told_log(tx: Tx) -> None:
    """A box was asked for its log, and told it."""
    box_logs.ask(tx, "3-box", "zhang", 50)
    (row,) = box_log_rows.of_node(tx, "3-box")
    lines = ["2026-11-29 10:00:00 INFO wardline.node connected", "WARNING the outbox is full"]
    box_logs.take(
        tx, "3-box", {"command": str(row["command"]), "part": 0, "parts": 1, "lines": lines}
    )


def spoke_to_all(tx: Tx) -> None:
    """A broadcast that reached some, one that was refused, and who may."""
    person = directory.add_person(tx, "周院长")
    directory.add_extension(tx, "8601", "院长办公室", person=person)
    directory.add_extension(tx, "8603", "三病区护士站", ward="3")
    for device, number in (("001565006211", "8601"), ("001565006212", "8603")):
        directory.add_phone(tx, device, number)
    broadcasts.allow(tx, "extension", "8601", True, by="admin")
    broadcasts.allow(tx, "class", "internal", False, by="admin")
    plan = broadcasts.begin(tx, "channel-1", "8601", "001565006211", urgent=True)
    assert not isinstance(plan, str)
    told = {"3-box": ("done", "12400 ms heard, 200 ms lost"), "3-station": ("refused", "no device")}
    for node, (result, reason) in told.items():
        broadcasts.on_answer(tx, str(plan.broadcast), node, result, reason)
    outcomes = dict.fromkeys(plan.endpoints, "heard") | {plan.endpoints[0]: "busy"}
    broadcasts.end(tx, plan.broadcast, broadcast_rows.ENDED, outcomes)
    tx.execute("UPDATE broadcasts SET began_ms = began_ms - 13000")
    broadcasts.begin(tx, "channel-2", None, None, urgent=False)
    directory.add_service(tx, "621", "broadcast")
    directory.add_service(tx, "622", "broadcast_urgent")


def talked(tx: Tx) -> None:
    """Calls of the last days, as an exchange wrote them down; some go outside and cost."""
    if tx.one("SELECT 1 FROM routes") is None:
        tx.insert("trunks", name="world", host="192.0.2.7", user="", password="", most_calls=4)
        tx.insert("routes", name="city", trunk="world", strip=1, limit_s=0)
    trunk, route = tx.all("SELECT trunk, name FROM routes")[0]
    tx.insert("call_rates", route=route, from_ms=0, unit_s=60, fen=22)
    hour_us = 3_600_000_000
    for number, hours_ago in enumerate((1, 2, 5, 26, 27, 50)):
        events = written(*NAMES)
        later_us = tx.clock.real_ms() * 1000 - events[0].at_us - hours_ago * hour_us
        call_records.take(tx, [moved(each, later_us, f"-{number}") for each in events], {})
    tx.execute("UPDATE call_records SET route = ?, direction = 'outward', cost_fen = 22"
               " WHERE id % 9 = 4", (route,))  # fmt: skip
    tx.execute("UPDATE call_legs SET trunk = ?, route = ?, cost_fen = 22 WHERE place = 1"
               " AND record % 9 = 4", (trunk, route))  # fmt: skip
    tx.execute(
        "UPDATE call_records SET talk_ms = 1000 * (id % 7 + 1) * 37,"
        " duration_ms = 1000 * (id % 7 + 1) * 40 WHERE talk_ms > 0"
    )
    rule = recordings.add_rule(tx, direction="inward", keep_days=30)
    for number, seconds in enumerate((75, 200)):
        recordings.found(
            tx, file=f"rule-{rule}-{number}.wav", folder="spool/monitor", rule=rule,
            channel=f"{written('passed_on')[0].unique}-{number}",
            started_ms=tx.clock.real_ms() - 3_600_000, length_ms=seconds * 1000,
            bytes=seconds * 16_000,
        )  # fmt: skip
    for number in range(3):
        left_messages.leave(tx, f"message-{number}-1.1", caller="13900000000", lang="zh")
    recordings.found(
        tx, file="message-1-1.1.wav", folder="spool/recording", rule=2, channel="1.1",
        started_ms=tx.clock.real_ms() - 60_000, length_ms=20_000, bytes=320_000,
    )  # fmt: skip
    seen = left_messages_model.one(tx, 2)
    assert seen is not None
    left_messages.done(tx, seen, by="sun")
