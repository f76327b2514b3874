"""Claims: what they look like, and what may become of one."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from central.clock import FakeClock
from central.console.limits import LockedOutError
from central.enrolment import claims, model, service
from central.enrolment.service import RefusedError
from central.errors import FieldError
from central.faults import model as faults
from central.store import Store
from central.wards import model as wards
from central.wards import service as fleet
from gateway.mqtt import claim

KEY = b"k" * 32
HOUR_MS = claims.HOUR_MS
PRINT = claim.fingerprint("0123456789abcdef" * 4)


@dataclass
class Signer:
    """Signs whatever it is asked to, and remembers for whom."""

    clock: FakeClock
    signed: list[str] = field(default_factory=list)

    def __call__(self, name: str) -> "Signer.Made":
        self.signed.append(name)
        return Signer.Made(f"{len(self.signed):x}", name, self.clock.real_ms())

    @dataclass(frozen=True)
    class Made:
        serial: str
        chain: str
        begins_ms: int

        @property
        def ends_ms(self) -> int:
            return self.begins_ms + 365 * 24 * HOUR_MS


@pytest.fixture
def signer(clock: FakeClock) -> Signer:
    return Signer(clock)


@pytest.fixture
def hospital(store: Store) -> Store:
    with store.transaction() as tx:
        wards.add_ward(tx, "3", "三病区", "Ward 3")
        wards.add_ward(tx, "5", "五病区", "Ward 5")
    return store


def make(store: Store, **more: object) -> service.Made:
    given = {"ward": "3", "role": "bedside", "beds": ("1", "2"), "by": "zhang"} | more
    with store.transaction() as tx:
        return service.make(tx, KEY, **given)  # type: ignore[arg-type]


def take(store: Store, secret: str, key_id: str, signer: Signer) -> str:
    """The certificate's number."""
    with store.transaction() as tx:
        row = service.look_up(tx, claims.digest(KEY, secret))
        return str(service.take(tx, row, key_id, "10.0.0.9", signer)["serial"])


def test_a_claim_is_read_as_it_was_written_however_it_is_typed() -> None:
    secret = claims.new_secret()
    text = claim.write(secret, PRINT)
    assert len(text) == 34
    assert claim.SECRET_BITS == 55
    assert claim.FINGERPRINT_BITS == 80
    for typed in (text, text.lower(), text.replace("-", " "), f" {text}\n",
                  text.replace("0", "o").replace("1", "l")):  # fmt: skip
        assert claim.read(typed) == ("", secret, PRINT)
    assert claim.read(f"https://10.0.0.5:8884/#{text}")[0] == "https://10.0.0.5:8884/"


def test_a_slip_of_the_finger_is_told() -> None:
    text = claim.write("0" * claim.SECRET_LETTERS, PRINT)
    letters = text.replace("-", "")
    for place in range(claim.LETTERS):
        for other in claim.ALPHABET:
            if other != letters[place]:
                with pytest.raises(ValueError, match="wrong"):
                    claim.read(letters[:place] + other + letters[place + 1 :])
    for wrong, why in (("abc", "28 letters"), ("U" * 28, "'U'"), (f"http://x#{text}", "https")):
        with pytest.raises(ValueError, match=why):
            claim.read(wrong)


def test_a_claim_sets_up_its_place_and_works_once(hospital: Store, signer: Signer) -> None:
    made = make(hospital)
    assert made.node == "3-box"
    tx = hospital.read()
    assert [(row["bed"], row["node"]) for row in wards.beds(tx, "3")] == [
        ("1", "3-box"), ("2", "3-box"),
    ]  # fmt: skip
    assert made.secret not in json.dumps([list(row) for row in model.claims(tx)])
    first = take(hospital, made.secret, "key-a", signer)
    assert take(hospital, made.secret, "key-a", signer) == first  # the answer was lost
    with pytest.raises(RefusedError) as refused:
        take(hospital, made.secret, "key-b", signer)
    assert refused.value.error_id == service.CLAIM_USED
    assert signer.signed == ["3-box"]


def test_a_claim_ends(hospital: Store, signer: Signer, clock: FakeClock) -> None:
    late, revoked, used = make(hospital), make(hospital, beds=("3",)), make(hospital, beds=("4",))
    assert [late.node, revoked.node, used.node] == ["3-box", "3-box-2", "3-box-3"]
    with hospital.transaction() as tx:
        service.revoke_claim(tx, revoked.id, "zhang")
    take(hospital, used.secret, "key", signer)
    clock.advance(24 * HOUR_MS)
    for secret, why in (
        (late.secret, service.CLAIM_EXPIRED),
        (revoked.secret, service.CLAIM_REVOKED),
        (used.secret, service.CLAIM_USED),  # too late to fetch it again
        ("0" * 11, service.CLAIM_UNKNOWN),
    ):
        with pytest.raises(RefusedError) as refused:
            take(hospital, secret, "key", signer)
        assert refused.value.error_id == why
    assert signer.signed == ["3-box-3"]


def test_a_new_box_takes_the_old_ones_place(hospital: Store, signer: Signer) -> None:
    first = make(hospital)
    old = take(hospital, first.secret, "old", signer)
    forgotten = make(hospital, node="3-box")
    again = make(hospital, node="3-box")  # and the first of the two gives nothing any more
    assert model.revoked(hospital.read()) == []  # the old box works until the new one is there
    new = take(hospital, again.secret, "new", signer)
    tx = hospital.read()
    assert [(row["serial"], row["why"]) for row in model.revoked(tx)] == [(old, "replaced")]
    assert [row["serial"] for row in model.standing(tx, "3-box")] == [new]
    for secret, why in (
        (first.secret, service.CERTIFICATE_REVOKED), (forgotten.secret, service.CLAIM_REVOKED),
    ):  # fmt: skip
        with pytest.raises(RefusedError) as refused:
            take(hospital, secret, "old", signer)
        assert refused.value.error_id == why


def test_a_revoked_box_can_neither_renew_nor_use_its_claim(hospital: Store, signer: Signer) -> None:
    made = make(hospital)
    serial = take(hospital, made.secret, "key", signer)
    with hospital.transaction() as tx:
        renewed = service.renew(tx, serial, "key-2", signer)["serial"]
    waiting = make(hospital, node="3-box")
    with hospital.transaction() as tx:
        assert service.revoke(tx, "3-box", "zhang", "stolen") == 2
    for each in (serial, renewed, "ff"):
        with pytest.raises(RefusedError, match=service.CERTIFICATE_REVOKED), \
                hospital.transaction() as tx:  # fmt: skip
            service.renew(tx, each, "key-3", signer)
    for secret in (made.secret, waiting.secret):
        with pytest.raises(RefusedError):
            take(hospital, secret, "key", signer)
    with hospital.transaction() as tx:
        assert service.access(tx, "3")["ended"] == {serial: "3-box", renewed: "3-box"}


WRONG = {
    "ward": {"ward": "9"},
    "role": {"role": "king"},
    "beds": {"beds": ()},
    "beds ": {"beds": ("1", "1")},
    "beds  ": {"beds": ("a/b",)},
    "beds   ": {"role": "station"},
    "node": {"node": "bridge"},
    "node ": {"node": "ward-3"},
    "node  ": {"node": "a b"},
    "node   ": {"node": "5-box"},
    "beds    ": {"beds": ("9",)},
    "lasts": {"lasts_ms": 8 * 24 * HOUR_MS},
}


@pytest.mark.parametrize("case", WRONG)
def test_a_place_that_cannot_be_is_refused_by_field(hospital: Store, case: str) -> None:
    with hospital.transaction() as tx:
        wards.add_node(tx, "5-box", "5", "bedside")
        wards.add_node(tx, "3-other", "3", "bedside")
        wards.add_bed(tx, "3", "9", "3-other")
    with pytest.raises(FieldError) as wrong:
        make(hospital, **WRONG[case])
    assert wrong.value.field == case.strip()
    assert model.claims(hospital.read()) == []


def test_guesses_wait_longer_and_longer_over_a_restart(
    hospital: Store, clock: FakeClock, tmp_path: Path
) -> None:
    def attempts(store: Store, address: str) -> int:
        heard = 0
        while True:
            try:
                with store.transaction() as tx:
                    service.count_attempt(tx, address)
            except LockedOutError:
                return heard
            heard += 1

    assert attempts(hospital, "10.0.0.66") == claims.FREE_BY_ADDRESS + 1
    again = Store(tmp_path / "wardline.db", clock)  # nobody is forgiven
    assert attempts(again, "10.0.0.66") == 0
    assert attempts(again, "10.0.0.7") == claims.FREE_BY_ADDRESS + 1  # a neighbour is not shut out
    heard = 0
    for _ in range(24 * 6):
        clock.advance(600_000)
        heard += attempts(again, "10.0.0.66")
    assert heard <= 24 * 6
    for n in range(12):
        attempts(again, f"10.1.0.{n}")
    clock.advance(claims.LONGEST_FROM_ANYWHERE_MS)
    assert attempts(again, "10.2.0.1") <= 2  # guessing from everywhere is slow, too
    again.close()


class Life(RuleBasedStateMachine):
    """A claim under everything that may happen to it, beside a model of one line."""

    folder: Path

    @initialize()
    def begin(self) -> None:
        self.clock = FakeClock()
        Life.count = getattr(Life, "count", 0) + 1
        self.store = Store(self.folder / f"{Life.count}.db", self.clock)
        self.signer = Signer(self.clock)
        with self.store.transaction() as tx:
            wards.add_ward(tx, "3", "三病区", "Ward 3")
        self.made = make(self.store)
        self.born_ms = self.clock.real_ms()
        self.owner = ""
        self.used_ms = 0
        self.revoked = self.stolen = False

    @rule(minutes=st.integers(1, 1500))
    def time_passes(self, minutes: int) -> None:
        self.clock.advance(minutes * 60_000)

    @rule(key=st.sampled_from(["a", "b"]))
    def somebody_asks(self, key: str) -> None:
        now_ms = self.clock.real_ms()
        may = not self.revoked and not self.stolen
        if self.owner:
            may = may and self.owner == key and now_ms < self.used_ms + claims.AGAIN_MS
        else:
            may = may and now_ms < self.born_ms + claims.LASTS_MS
        try:
            take(self.store, self.made.secret, key, self.signer)
            assert may
            if not self.owner:
                self.owner, self.used_ms = key, now_ms
        except RefusedError:
            assert not may

    @rule()
    def the_claim_is_revoked(self) -> None:
        with self.store.transaction() as tx:
            service.revoke_claim(tx, self.made.id, "zhang")
        self.revoked = True

    @rule()
    def the_box_is_revoked(self) -> None:
        with self.store.transaction() as tx:
            service.revoke(tx, "3-box", "zhang")
        self.stolen = True

    @invariant()
    def one_certificate_at_most(self) -> None:
        assert self.signer.signed == ["3-box"] * bool(self.owner)

    def teardown(self) -> None:
        self.store.close()


def test_whatever_happens_a_claim_gives_one_certificate_to_one_key(tmp_path: Path) -> None:
    Life.folder = tmp_path
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(Life, settings=settings(max_examples=25, stateful_step_count=10))


def test_a_box_that_took_a_place_proves_its_beds_when_it_is_first_heard_there(
    hospital: Store, signer: Signer
) -> None:
    def born(node: str) -> list[tuple[str, str]]:
        with hospital.transaction() as tx:
            tx.execute("UPDATE nodes SET state = 'ready' WHERE id = ?", (node,))
            for rule in service.BIRTHS:
                rule(tx, node)
        rows = hospital.read().all(
            "SELECT bed, by FROM proofs_under_way UNION SELECT bed, by FROM proofs_wanted"
        )
        return sorted((row["bed"], row["by"]) for row in rows)

    made = make(hospital, node="3-box")
    assert born("3-box") == [], "no box has used the claim yet"
    take(hospital, made.secret, "key-1", signer)
    assert born("3-station") == []
    assert born("3-box") == [("1", "zhang"), ("2", "zhang")]
    with hospital.transaction() as tx:
        tx.execute("DELETE FROM proofs_under_way")
        tx.execute("DELETE FROM proofs_wanted")
    assert born("3-box") == [], "only the first time"


def test_a_box_in_its_carton_is_missed_by_nobody_and_any_other_is(
    hospital: Store, signer: Signer
) -> None:
    def missed() -> list[str]:
        with hospital.transaction() as tx:
            for node in ("3-box", "3-old"):
                fleet.lost(tx, node)
        return sorted(row["node"] for row in faults.open_faults(hospital.read()))

    with hospital.transaction() as tx:
        wards.add_node(tx, "3-old", "3", "bedside")
    made = make(hospital, node="3-box")
    assert missed() == ["3-old"], "nobody makes claims for one with a password"
    take(hospital, made.secret, "key-1", signer)
    assert missed() == ["3-box", "3-old"], "it was enrolled, and has never been heard"
