"""Words of menus as persons say them: what is taken, when it is played, and the page."""

import io
import math
import re
import wave
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from central.console.context import Console
from central.directory import service as directories
from central.errors import FieldError
from central.flows import model as menus
from central.flows.document import read as read_document
from central.flows.offers import Asking
from central.prompts import collecting, model, offers, service
from central.prompts.places import places
from central.prompts.sounds import MOST_MS, prepared
from central.store import Store
from gateway.speech.levelled import MOST_PEAK, TARGET_RMS, levelled
from gateway.speech.sound import RATE_HZ, Sound
from gateway.telephone.files.recording import BY_APPLICATION
from tests.console.conftest import token_of

AsUser = Callable[[str], FlaskClient]
HELLO = "您好,欢迎。"
MENU = """
flow: fees
title: {{zh: 费用, en: Fees}}
start: hello
steps:
  hello: {{say: {{zh: "{words}", en: Welcome.}}, then: who}}
  who: {{log_in: {{}}, then: ask, failed: end}}
  ask: {{look_up: fees.account, as: fee, then: sum, failed: end, outcomes: {{none: end}}}}
  sum: {{say: {{zh: "{{fee.total:money}}", en: "{{fee.total:money}}"}}, then: end}}
  end: {{hang_up: quietly}}
"""
AT = ("fees/hello", "zh")


def wav(seconds: float = 1.0, *, loud: float = 900, before: float = 0.0, rate: int = 8000) -> bytes:
    """A hum with silence before it."""
    hum = (round(loud * math.sin(math.tau * 440 * n / rate)) for n in range(int(seconds * rate)))
    samples = array("h", [0] * int(before * rate)) + array("h", hum)
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return made.getvalue()


def live(db: Store, words: str) -> None:
    with db.transaction() as tx:
        menus.add(tx, "fees", MENU.format(words=words), "", "admin", tx.now_ms)


@pytest.fixture
def db(store: Store) -> Store:
    live(store, HELLO)
    return store


@pytest.fixture
def shown(app: Any) -> Store:
    """The database of a console."""
    console: Console = app.extensions["wardline"]
    live(console.store, HELLO)
    return console.store


def put(db: Store, words: str = HELLO, sound: bytes = b"") -> None:
    live(db, words)
    with db.transaction() as tx:
        service.put(tx, *AT, prepared(sound or wav()), "hello.ogg", by="admin")


def played(db: Store, words: str = HELLO) -> bool:
    return model.current(db.read(), *AT, words) is not None


def audited(db: Store) -> list[tuple[str, str]]:
    rows = db.read().all("SELECT who, what FROM audit WHERE what LIKE 'prompt.%' ORDER BY id")
    return [tuple(row) for row in rows]


# --- sounds ---


def test_a_faint_sound_is_as_loud_as_speech_and_without_the_silence_around_it() -> None:
    made = prepared(wav(1.0, loud=300, before=3.0))
    with wave.open(io.BytesIO(made.wav)) as file:
        samples = array("h", file.readframes(file.getnframes()))
        assert (file.getframerate(), file.getnchannels()) == (RATE_HZ, 1)
    assert 1000 <= made.duration_ms <= 1400
    assert 0.8 * TARGET_RMS < Sound(samples).rms < 1.1 * TARGET_RMS


@settings(max_examples=40)
@given(st.lists(st.integers(min_value=-32768, max_value=32767), max_size=3000))
def test_whatever_a_sound_is_nothing_is_cut_off_by_making_it_louder(samples: list[int]) -> None:
    given = Sound(array("h", samples))
    made = levelled(given)
    assert len(made.samples) <= len(samples)
    loudest = max(map(abs, made.samples), default=0)
    assert loudest <= max(MOST_PEAK, max(map(abs, samples), default=0))


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (lambda: b"", "cannot be read"), (lambda: b"OggS" + bytes(500), "cannot be read"),
        (lambda: wav()[:30], "cannot be read"), (lambda: wav(loud=0), "nothing to hear"),
        (lambda: wav(MOST_MS / 1000 + 1), "longer than"),
    ],
)  # fmt: skip
def test_what_is_no_sound_is_refused(made: Callable[[], bytes], why: str) -> None:
    sound = made()
    with pytest.raises(FieldError, match=why):
        prepared(sound)


# --- places and words ---


def test_every_place_of_words_is_there_and_those_with_values_are_told() -> None:
    found = list(places(read_document(MENU.format(words=HELLO))))
    assert [(each.slot, each.lang, each.has_values) for each in found] == [
        ("fees/hello", "zh", False), ("fees/hello", "en", False),
        ("fees/sum", "zh", True), ("fees/sum", "en", True),
    ]  # fmt: skip


def test_it_is_played_for_its_own_words_only_until_somebody_confirms(db: Store) -> None:
    put(db)
    assert played(db)
    live(db, "您好。")
    assert not played(db, "您好。")
    with pytest.raises(FieldError), db.transaction() as tx:
        service.confirm(tx, *AT, HELLO, by="admin")  # what was seen is not what stands there
    with db.transaction() as tx:
        service.confirm(tx, *AT, "您好。", by="admin")
        service.confirm(tx, *AT, "您好。", by="admin")
    assert played(db, "您好。")
    assert not played(db)
    with db.transaction() as tx:
        service.remove(tx, *AT, by="admin")
        service.remove(tx, *AT, by="admin")
    assert not played(db, "您好。")
    what = ["prompt.put", "prompt.confirm", "prompt.remove"]
    assert audited(db) == [("admin", each) for each in what]


@pytest.mark.parametrize("slot", ["fees/sum", "fees/nothing", "nothing/hello", "fees", ""])
def test_no_sound_is_put_where_words_hold_values_or_are_none(db: Store, slot: str) -> None:
    with pytest.raises(FieldError), db.transaction() as tx:
        service.put(tx, slot, "zh", prepared(wav()), "x.wav", by="admin")


# --- by telephone ---


def said(db: Store, folder: Path, code: str, sound: bytes = b"") -> str:
    """What the menu `studio` is told when somebody says it by this code."""
    path = folder / BY_APPLICATION / "message-1-7.1.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(sound or wav())
    asking = Asking("zh", staff="8101")
    with db.transaction() as tx:
        found = offers.find(tx, asking, {"code": code})
        assert found.outcome != "ok" or str(found.values["words"]) == HELLO
        return offers.keep(tx, asking, {"code": code, "recording": path.stem}).outcome


async def test_what_is_said_by_a_code_is_played_and_the_code_is_spent(
    db: Store, tmp_path: Path
) -> None:
    with db.transaction() as tx:
        old = service.give_code(tx, *AT, by="admin")
        code = service.give_code(tx, *AT, by="admin")
    assert said(db, tmp_path, old) == "unknown"
    assert said(db, tmp_path, code) == "ok"
    await collecting.look(db, tmp_path)
    assert played(db)
    assert said(db, tmp_path, code) == "unknown"
    row = model.one(db.read(), *AT)
    assert row is not None
    assert (row["by"], row["name"]) == ("extension 8101", "")


async def test_a_code_lasts_half_an_hour_and_silence_is_no_prompt(
    db: Store, tmp_path: Path, clock: Any
) -> None:
    with db.transaction() as tx:
        code = service.give_code(tx, *AT, by="admin")
    assert said(db, tmp_path, code, wav(loud=0)) == "ok"
    await collecting.look(db, tmp_path)
    assert model.said(db.read()) == []
    assert not played(db)
    with db.transaction() as tx:
        code = service.give_code(tx, *AT, by="admin")
        clock.advance(service.CODE_MS)
    assert said(db, tmp_path, code) == "unknown"


# --- the page ---


def test_the_page_takes_a_sound_lets_it_be_heard_and_asks_when_words_change(
    shown: Store, as_user: AsUser
) -> None:
    db, admin = shown, as_user("admin")
    address = "/flows/fees/prompts"
    page = admin.get(f"{address}?lang=en").text
    assert "Speech says these words: they hold values." in page
    token = {"csrf_token": token_of(admin, address), "slot": AT[0], "lang": AT[1]}

    def post(deed: str, **more: Any) -> Any:
        return admin.post(f"{address}/{deed}", data=token | more)

    for file, why in ((b"RIFF", "cannot be read"), (b"", "Choose a sound file")):
        answer = post("upload", file=(io.BytesIO(file), "x.mp3"))
        assert answer.status_code == 400
        assert why in answer.text
    assert post("upload", file=(io.BytesIO(wav()), "hello.mp3")).status_code == 302
    assert played(db)
    sound = re.search(r'src="(/flows/fees/prompts/sound\.wav[^"]*)"', admin.get(address).text)
    assert sound is not None
    heard = admin.get(sound[1].replace("&amp;", "&"))
    assert heard.data[:4] == b"RIFF"
    live(db, "您好。")
    assert "Not played: it says older words." in admin.get(f"{address}?lang=en").text
    assert post("confirm", words=HELLO).status_code == 400
    assert post("confirm", words="您好。").status_code == 302
    assert played(db, "您好。")
    assert post("remove").status_code == 302
    assert not played(db, "您好。")
    assert post("upload", slot="main/welcome").status_code == 404
    assert admin.get("/flows/nothing/prompts").status_code == 404


def test_the_page_gives_a_code_where_there_is_a_number_to_dial(
    shown: Store, as_user: AsUser
) -> None:
    admin, address = as_user("admin"), "/flows/fees/prompts"
    assert "/prompts/code" not in admin.get(address).text
    with shown.transaction() as tx:
        directories.add_service(tx, "8606", "menu_studio")
    token = {"csrf_token": token_of(admin, address), "slot": AT[0], "lang": AT[1]}
    page = admin.post(f"{address}/code?lang=en", data=token).text
    given = re.search(r"Dial 8606 within half an hour and enter <strong[^>]*>(\d{6})<", page)
    assert given is not None
    assert model.code(shown.read(), given[1]) is not None
