"""The beds page."""

from datetime import date
from typing import Any

from flask import Blueprint, abort, render_template, request

from central.admissions import age as ages
from central.admissions import model as admissions
from central.calls import model as calls
from central.calls import types
from central.console.context import (
    _,
    current_user,
    local,
    note_patient_read,
    read,
    require_ward,
    requires,
    ward_name,
)
from central.console.marks import N_
from central.faults import model as faults
from central.infusions import model as infusions
from central.store import Tx
from central.wards import model as wards

blueprint = Blueprint(
    "beds",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/beds/static",
)
STAFF = ("nurse", "head_nurse", "duty_manager", "engineer")
NAVIGATION = [(20, "/beds", N_("Beds"), STAFF, "hospital")]
CALLS_SHOWN = 20

STATES = {
    "idle": N_("quiet"),
    "calling": N_("calling"),
    "prompted": N_("asked about the drip"),
    "emergency": N_("emergency"),
    "present": N_("staff is there"),
    "unknown": N_("not heard of yet"),
}
CARE = {
    "normal": N_("normal care"),
    "special": N_("special care"),
    "first": N_("first-level care"),
    "second": N_("second-level care"),
    "third": N_("third-level care"),
}


SEX = {"F": N_("female"), "M": N_("male")}
AGES = {
    ages.YEARS: N_("%(n)s years"),
    ages.MONTHS: N_("%(n)s months"),
    ages.DAYS: N_("%(n)s days"),
}


def _person(stay: Any, today: date) -> dict[str, str]:
    """Name, and sex and age in words as far as they are known."""
    about = [_(SEX[stay["sex"]])] if stay["sex"] in SEX else []
    age = ages.age(stay["birth"] or "", today)
    if age is not None:
        about.append(_(AGES[age[1]], n=age[0]))
    return {"name": stay["name"], "about": ", ".join(about)}


def rows(tx: Tx, ward: str, *, patients: bool) -> list[dict[str, Any]]:
    """What is known of each bed, in the ward's order. `patients` false leaves out who they are."""
    today = local(tx.now_ms).date()
    stays = {row["bed"]: _person(row, today) for row in admissions.stays(tx, ward)}
    running: dict[str, list[Any]] = {}
    for each in infusions.running(tx, ward):
        running.setdefault(each["bed"], []).append(each)
    calling: dict[str, list[Any]] = {}
    for call in calls.open_calls(tx, ward):
        calling.setdefault(call["bed"] or "", []).append(calls.as_json(tx, call))
    broken = {row["device"].removeprefix("bed ") for row in faults.open_faults(tx, ward)}
    nodes = {node["id"]: node for node in wards.nodes(tx, ward)}
    found = []
    for bed in wards.beds(tx, ward):
        name = bed["bed"]
        stay = stays.get(name)
        node = nodes.get(bed["node"])
        found.append(
            {
                "bed": name,
                "state": STATES.get(bed["state"], bed["state"]),
                "state_id": bed["state"],
                "care": CARE.get(bed["care_level"], bed["care_level"]),
                "care_id": bed["care_level"],
                "taken": stay is not None,
                "stay": stay if patients else None,
                "infusions": running.get(name, []),
                "calls": calling.get(name, []),
                "node": bed["node"],
                "node_ready": node is not None and node["state"] == "ready",
                "faulty": name in broken,
            }
        )
    return found


@blueprint.get("/beds")
@requires(*STAFF)
def beds() -> Any:
    """An engineer sees beds and boxes, not who lies there."""
    tx = read()
    every = wards.wards(tx)
    ward = request.args.get("ward") or current_user.ward or (every[0]["id"] if every else None)
    if ward is None:
        return render_template("beds/beds.html", ward=None, rows=[], wards=[], patients=False)
    require_ward(ward)
    patients = current_user.role != "engineer"
    if patients and "again" not in request.args:
        note_patient_read(f"beds/{ward}")
    mine = [each for each in every if current_user.ward in (None, each["id"], each["neighbour"])]
    return render_template(
        "beds/beds.html",
        ward=ward,
        name=ward_name(ward),
        rows=rows(tx, ward, patients=patients),
        wards=mine,
        patients=patients,
    )


@blueprint.get("/beds/<ward>/<bed>")
@requires(*STAFF)
def bed(ward: str, bed: str) -> Any:
    """One bed: what is known of it now, and its last calls."""
    require_ward(ward)
    tx = read()
    patients = current_user.role != "engineer"
    row = next((each for each in rows(tx, ward, patients=patients) if each["bed"] == bed), None)
    if row is None:
        abort(404)
    if patients and "again" not in request.args:
        note_patient_read(f"bed/{ward}/{bed}")
    return render_template(
        "beds/bed.html",
        ward=ward,
        name=ward_name(ward),
        row=row,
        patients=patients,
        past=calls.find(tx, ward=ward, bed=bed, limit=CALLS_SHOWN),
        types=types.TYPES,
        call_states=calls.STATES,
    )
