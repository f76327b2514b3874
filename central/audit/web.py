"""The audit: who did what to which thing, and whether the log is whole."""

from typing import Any

from flask import Blueprint, render_template, request

from central.audit import model, told
from central.console.context import at_date, current_user, read, requires, transaction
from central.console.marks import N_
from central.console.sheet import download as as_file
from central.store import Row, Tx

blueprint = Blueprint("audit", __name__, template_folder="templates")
NAVIGATION = [(95, "/audit", N_("Audit"), ("admin",), "journal-check")]

# What was done, by its code; the codes are for the CSV file and other programs.
DONE = {
    "admission.admit": N_("a patient was admitted"),
    "admission.cancelled": N_("an admission was taken back"),
    "admission.discharged": N_("a patient was discharged"),
    "admission.displace": N_("a patient gave way to another in the same bed"),
    "admission.leave": N_("a patient left the wards known here"),
    "admission.return": N_("a patient came back"),
    "admission.transfer": N_("a patient was moved"),
    "alarm.resend": N_("sent a refused nurse call to an alarm manager again"),
    "announcement.cancel": N_("took an announcement back"),
    "announcement.edit": N_("changed an announcement"),
    "announcement.now": N_("spoke to a ward"),
    "announcement.schedule": N_("planned an announcement"),
    "api_key.make": N_("made a key for a system of the hospital"),
    "api_key.revoke": N_("revoked the key of a system of the hospital"),
    "certificate.renew": N_("renewed the certificate of a box"),
    "certificate.revoke": N_("revoked a certificate"),
    "update.publish": N_("published a version of boxes"),
    "update.withdraw": N_("withdrew a version of boxes"),
    "update.start": N_("began to take a version through the hospital"),
    "update.stop": N_("stopped a version on its way through the hospital"),
    "update.resume": N_("let a version go on through the hospital"),
    "update.end": N_("ended a version on its way through the hospital"),
    "update.done": N_("every box has the version"),
    "claim.make": N_("made a claim for the place of a box"),
    "claim.revoke": N_("took back the claim for the place of a box"),
    "claim.use": N_("a box took its place by a claim"),
    "audit.export": N_("took the audit away as CSV"),
    "bed.add": N_("set up a bed"),
    "bed.change": N_("changed where a bed hangs"),
    "bed.prove": N_("let a bed prove itself"),
    "box_log.ask": N_("asked a box for its log"),
    "board.repeat": N_("let the last message be said again"),
    "broadcast.allow": N_("allowed broadcasts"),
    "broadcast.begin": N_("began a broadcast"),
    "broadcast.end": N_("ended a broadcast"),
    "broadcast.forbid": N_("took the right to broadcast away"),
    "broadcast.group": N_("changed the multicast of broadcasts"),
    "broadcast.refused": N_("dialled a broadcast and was refused"),
    "call.accept": N_("accepted a call"),
    "call.end_refused": N_("tried to end a call from afar"),
    "call.hand_over": N_("handed a call over"),
    "call.on_the_way": N_("is on the way to a call"),
    "call.resolve": N_("marked a call as seen to"),
    "call_rate.set": N_("set what calls over a route cost"),
    "call_record.export": N_("took call records away as CSV"),
    "call_record.list": N_("looked through call records"),
    "call_record.read": N_("looked at a call record"),
    "card.issue": N_("gave out a patient's card"),
    "card.locked": N_("a patient's card was locked after wrong PINs"),
    "card.lost": N_("took a patient's card as lost"),
    "card.pin": N_("set the PIN of a patient's card"),
    "card.refused": N_("tried a wrong card or PIN"),
    "card.replace": N_("replaced a patient's card"),
    "card.unlock": N_("unlocked a patient's card"),
    "class.add": N_("added a permission class"),
    "class.allow": N_("changed what a permission class may dial"),
    "class.cap": N_("limited the outside calls of a permission class"),
    "class.change": N_("renamed a permission class"),
    "class.remove": N_("removed a permission class"),
    "demo.clock": N_("changed the speed of the demo's clock"),
    "desk.leave": N_("left a phone"),
    "desk.put": N_("let a person log in at phones"),
    "desk.refused": N_("tried a wrong PIN at a phone"),
    "desk.remove": N_("let a person log in at phones no more"),
    "desk.sit": N_("logged in at a phone"),
    "exam.book": N_("booked an examination"),
    "exam.call": N_("called a patient to an examination"),
    "exam.cancel": N_("cancelled an examination"),
    "exam.check_in": N_("checked a patient in for an examination"),
    "exam.finish": N_("ended an examination"),
    "exam.miss": N_("noted that a patient who was called was not there"),
    "exam.start": N_("began an examination"),
    "exam.take_back": N_("took back a press at an examination room"),
    "exam_room.map": N_("said which room a code of the hospital system is"),
    "exam_room.put": N_("changed an examination room"),
    "exam_room.remove": N_("removed an examination room"),
    "exam_room.unmap": N_("took back which room a code is"),
    "extension.add": N_("added an extension"),
    "extension.change": N_("changed an extension"),
    "extension.remove": N_("removed an extension"),
    "extension.ring": N_("changed which phones ring for an extension"),
    "fault.acknowledge": N_("sees to a fault"),
    "fee_item.import": N_("imported a catalogue of fees"),
    "fee_item.put": N_("changed an item of the catalogue of fees"),
    "fee_item.remove": N_("removed a version from the catalogue of fees"),
    "fee_rules.put": N_("changed insurance rules"),
    "fee_rules.remove": N_("removed insurance rules"),
    "fees.alone": N_("counted a credit without its charge"),
    "fees.elsewhere": N_("entered what a patient used up elsewhere"),
    "fees.export": N_("took a patient's bill away as CSV"),
    "fees.read": N_("looked at a patient's fees"),
    "fees.ward": N_("looked at the fees of a ward"),
    "find.put": N_("changed where a person is found"),
    "flow.back": N_("brought back an earlier version of a spoken menu"),
    "flow.draft": N_("saved a draft of a spoken menu"),
    "flow.live": N_("let a version of a spoken menu go live"),
    "flow.plan": N_("planned when a version of a spoken menu goes live"),
    "flow.remove": N_("removed a spoken menu"),
    "flow.take_back": N_("took back that a version of a spoken menu goes live"),
    "flow.try": N_("looked at a patient's data while trying a spoken menu"),
    "group.add": N_("added a pick-up group"),
    "group.change": N_("changed a pick-up group"),
    "group.remove": N_("removed a pick-up group"),
    "his.encoding": N_("set the encoding of a hospital system"),
    "his.map": N_("mapped a place of the hospital system"),
    "his.replay": N_("applied a hospital message again"),
    "his.set_aside": N_("set a hospital message aside"),
    "his.unmap": N_("took back a mapped place"),
    "information.import": N_("imported public information"),
    "information.off": N_("switched a section of the public information off"),
    "information.on": N_("switched a section of the public information on"),
    "information.put": N_("changed public information"),
    "information.remove": N_("removed an entry of the public information"),
    "information.section": N_("changed a section of the public information"),
    "information.section_remove": N_("removed a section of the public information"),
    "hospital.set_up": N_("set up wards from a spreadsheet"),
    "infusion.done": N_("finished a drip or dressing"),
    "infusion.moved": N_("moved a drip with its patient"),
    "infusion.next_bottle": N_("hung the next bottle"),
    "infusion.order_confirmed": N_("confirmed an ordered infusion"),
    "infusion.order_put_aside": N_("put an ordered infusion aside"),
    "infusion.order_seen": N_("has seen a change of an ordered infusion"),
    "infusion.paused": N_("paused a drip"),
    "infusion.rate": N_("changed the rate of a drip"),
    "infusion.rebaselined": N_("set the level of a drip right"),
    "infusion.resumed": N_("let a drip run again"),
    "infusion.started": N_("started a drip or a dressing reminder"),
    "infusion.stopped": N_("stopped a drip or dressing"),
    "lockout.unlock": N_("unlocked an address of the telephone exchange"),
    "login": N_("logged in"),
    "login.refused": N_("log-in refused"),
    "logout": N_("logged out"),
    "mailbox.blocked": N_("a mailbox was blocked after wrong PINs"),
    "mailbox.open": N_("listened to a mailbox"),
    "mailbox.remove": N_("took a mailbox away"),
    "mailbox.set": N_("gave an extension a mailbox or a new PIN"),
    "left_message.done": N_("saw to a message that a caller left"),
    "left_message.leave": N_("left a message for the service desk"),
    "left_message.list": N_("looked through messages that callers left"),
    "left_message.reopen": N_("has a message that a caller left seen to again"),
    "message.delete": N_("deleted a message of a mailbox"),
    "message.play": N_("listened to a message of a mailbox"),
    "node.add": N_("set up a box"),
    "notice.accept": N_("accepted a notice"),
    "parking.remove": N_("ended the parking of calls"),
    "parking.set": N_("changed where calls are parked"),
    "patient.add": N_("added a patient"),
    "staff.login": N_("logged in to the staff's menu by telephone"),
    "place.put": N_("changed the number of a place that menus lead to"),
    "place.remove": N_("took the number of a place that menus lead to away"),
    "hours.put": N_("changed opening hours"),
    "hours.remove": N_("removed a plan of opening hours"),
    "hours.days": N_("entered holidays"),
    "hours.day_remove": N_("removed a holiday"),
    "patient.change": N_("changed what is kept of a patient"),
    "patient.read": N_("looked at patients"),
    "patient.search": N_("searched patients"),
    "person.add": N_("added a person to the directory"),
    "person.change": N_("changed a person of the directory"),
    "person.remove": N_("removed a person from the directory"),
    "phone.add": N_("added a phone"),
    "phone.change": N_("changed a phone"),
    "phone.encrypt": N_("changed whether a phone encrypts"),
    "phone.password": N_("gave a phone a new password"),
    "phone.remove": N_("removed a phone"),
    "phone.reveal": N_("looked at the password of a phone"),
    "phone.setup": N_("fetched the settings of a phone"),
    "patient.language": N_("chose a language on the telephone"),
    "phone.login": N_("logged in by telephone with card and PIN"),
    "fees.heard": N_("heard the fees on the telephone"),
    "exams.heard": N_("heard the place in a queue on the telephone"),
    "portal.login": N_("logged in to the patient's page"),
    "portal.logout": N_("logged out of the patient's page"),
    "portal.read": N_("looked at the patient's page"),
    "policy.restore": N_("brought back an earlier escalation policy"),
    "poll.believe": N_("confirmed that patients vanished from the hospital's database"),
    "policy.save": N_("saved an escalation policy"),
    "room.add": N_("added a conference room"),
    "room.change": N_("changed a conference room"),
    "room.remove": N_("removed a conference room"),
    "prompt.confirm": N_("confirmed that recorded words of a menu still fit"),
    "prompt.put": N_("had words of a menu said by a person"),
    "prompt.remove": N_("removed recorded words of a menu"),
    "recording.delete": N_("deleted a recording whose days were over"),
    "recording.list": N_("looked through recordings"),
    "recording.listen": N_("listened to a recording"),
    "recording_key.allow": N_("let phones record by a key"),
    "recording_key.bar": N_("let phones record by a key no more"),
    "recording_rule.add": N_("has more calls recorded"),
    "recording_rule.keep": N_("changed how long recordings are kept"),
    "recording_rule.remove": N_("has fewer calls recorded"),
    "route.add": N_("added numbers that may be dialled outside"),
    "route.change": N_("changed numbers that may be dialled outside"),
    "route.remove": N_("removed numbers that might be dialled outside"),
    "scraper_key.make": N_("made a key for a program that reads the figures"),
    "scraper_key.revoke": N_("revoked the key of a program that reads the figures"),
    "screen.make": N_("made a board screen"),
    "screen.revoke": N_("revoked a board screen"),
    "service.add": N_("gave a service a number"),
    "service.change": N_("changed who rings instead of a service"),
    "service.remove": N_("took the number of a service away"),
    "speed.put": N_("set a speed dial"),
    "speed.remove": N_("removed a speed dial"),
    "trunk.add": N_("added a line to the world"),
    "trunk.cap": N_("limited the calls over a line to the world"),
    "trunk.change": N_("changed a line to the world"),
    "trunk.remove": N_("removed a line to the world"),
    "user.add": N_("added a user"),
    "user.disable": N_("barred a user"),
    "user.enable": N_("let a user log in again"),
    "user.password": N_("gave a new password"),
    "ward.add": N_("set up a ward"),
    "ward.change": N_("changed a ward"),
    "ward.volume": N_("changed a ward's volume"),
}
PAGE = 200
CSV_LIMIT = 100_000


def entries(tx: Tx, who: str, what: str, ref: str, before: int | None, limit: int) -> list[Row]:
    """Entries whose fields begin with the words given, newest first, older than id `before`."""

    def begins(words: str) -> str:
        escaped = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return escaped + "%"

    return tx.all(
        "SELECT * FROM audit WHERE who LIKE :who ESCAPE '\\' AND what LIKE :what ESCAPE '\\'"
        " AND ref LIKE :ref ESCAPE '\\' AND (:before IS NULL OR id < :before)"
        " ORDER BY id DESC LIMIT :limit",
        {
            "who": begins(who),
            "what": begins(what),
            "ref": begins(ref),
            "before": before,
            "limit": limit,
        },
    )


def _asked() -> tuple[str, str, str]:
    who, what, ref = (request.args.get(key, "").strip() for key in ("who", "what", "ref"))
    return who, what, ref


@blueprint.get("/audit")
@requires("admin")
def page() -> Any:
    before = request.args.get("before", type=int)
    rows = entries(read(), *_asked(), before, PAGE)
    return render_template(
        "audit/audit.html",
        rows=[
            dict(row)
            | {
                "by": told.who(row["who"]),
                "thing": told.thing(row["ref"]),
                "detail": told.detail(row["detail"]),
            }
            for row in rows
        ],
        more=rows[-1]["id"] if len(rows) == PAGE else None,
        asked=request.args,
        done=DONE,
        checked="check" in request.args,
        broken=model.first_broken(read()) if "check" in request.args else None,
    )


@blueprint.get("/audit.csv")
@requires("admin")
def download() -> Any:
    """The same as a table for other programs. Taking it away is itself written down."""
    with transaction() as tx:
        model.append(tx, current_user.name, "audit.export", detail=dict(request.args))
    texts = ("who", "what", "ref", "why", "detail", "seal")
    lines = [
        [row["id"], at_date(row["at_ms"]), *(row[key] for key in texts)]
        for row in entries(read(), *_asked(), None, CSV_LIMIT)
    ]
    return as_file("audit.csv", ("id", "at", *texts), lines)
