"""Who edits what, two at once, versions, tables; and the page for everybody."""

import io
import re
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from central.clock import FakeClock
from central.directory import service as directory
from central.information import editing, model, public, service
from central.information.initials import initials
from central.store import Store
from provisioning import demo_information
from tests.information.conftest import put, ring, switch
from tests.visitor import console, hire, log_in, store_of, token_of


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    folder = tmp_path_factory.mktemp("information")
    speech = {"url": "http://127.0.0.1:9", "cache": str(folder / "speech")}
    with console(folder, FakeClock(), speech=speech) as made:
        for name, role in (("sun", "registry"), ("qian", "telephone_admin")):
            hire(made, name, role)
        with store_of(made).transaction() as tx:
            demo_information.enter(tx)
            directory.add_service(tx, "8603", "menu_information")
        yield made


@pytest.fixture
def store(app: Flask) -> Store:
    return store_of(app)


def seen_of(client: FlaskClient, path: str) -> str:
    found = re.search(r'name="seen" value="([0-9a-f]+)"', client.get(path).text)
    assert found
    return found[1]


def form(client: FlaskClient, path: str, **typed: str) -> dict[str, str]:
    """What the form of a page would send, with other words in it."""
    page = client.get(path).text
    sent = {"csrf_token": token_of(client), "seen": seen_of(client, path)}
    for found in re.finditer(r'<input[^>]* name="(\w+)"[^>]* value="([^"]*)"', page):
        sent.setdefault(found[1], found[2])
    for found in re.finditer(r'<textarea[^>]* name="(\w+)"[^>]*>([^<]*)</textarea>', page):
        sent[found[1]] = found[2]
    for found in re.finditer(r'<select[^>]* name="(\w+)".*?value="(\w*)" selected', page, re.S):
        sent[found[1]] = found[2]
    return sent | typed


def test_two_who_edit_one_entry_are_told_and_lose_nothing(app: Flask, store: Store) -> None:
    sun, qian = log_in(app, "sun"), log_in(app, "qian")
    row = model.entry(store.read(), "hospital", "201")
    assert row is not None
    path = f"/contents/hospital/{row['id']}"
    hers, theirs = form(sun, path, text_zh="全天开放。"), form(qian, path, title_zh="开放时间")
    assert qian.post(path, data=theirs).status_code == 302
    answer = sun.post(path, data=hers)
    assert answer.status_code == 409
    assert "somebody else changed it meanwhile" in answer.text
    assert "<dd>开放时间</dd>" in answer.text, "what stands there now"
    assert "全天开放。</textarea>" in answer.text, "what she typed"
    again = re.search(r'name="seen" value="([0-9a-f]+)"', answer.text)
    assert again
    assert sun.post(path, data=hers | {"seen": again[1]}).status_code == 302
    [newest, before, first] = model.versions(store.read(), row["id"])
    assert [(v["by"], v["what"]) for v in (newest, before, first)] == [
        ("sun", "changed"), ("qian", "changed"), ("demo", "added"),
    ]  # fmt: skip
    page = sun.get(path).text
    assert "changed: Title (Chinese), Text (Chinese)" in page
    # An earlier version is put back by saving it.
    old = form(sun, f"{path}?version=1")
    assert old["title_zh"] == "门诊时间"
    assert sun.post(path, data=old).status_code == 302
    assert "探视时间" in ring(store).press("22").press("201#").last()


def test_an_entry_that_is_removed_can_be_put_back(app: Flask, store: Store) -> None:
    client = log_in(app, "sun")
    id = put(store, "policy", "309", "旧政策")
    path = f"/contents/policy/{id}"
    old = form(client, path)
    gone = {"csrf_token": token_of(client), "seen": seen_of(client, path)}
    assert client.post(f"{path}/remove", data=gone).status_code == 302
    assert client.get("/information/policy/309").status_code == 404
    assert "旧政策" in client.get("/contents/policy").text
    told = client.post(path, data=old)
    assert told.status_code == 409
    assert "somebody else removed it meanwhile" in told.text
    assert client.post(path, data=form(client, path)).status_code == 302
    assert client.get("/information/policy/309").status_code == 200
    assert client.post(f"{path}/remove", data=gone).status_code == 302


def test_what_is_wrong_is_told_at_its_field_and_what_was_typed_is_kept(app: Flask) -> None:
    client = log_in(app, "sun")
    path = "/contents/medicines/new"
    typed = {"code": "7", "title_zh": "新药", "text_zh": "<b>饭后</b>"}
    for field, wrong in (
        ("code", "12a"), ("code", "10001"), ("price_fen", "many"), ("insured", "D"),
        ("valid_to", "1999-01-01"), ("position", "-1"), ("title_zh", " "), ("title_en", "x" * 61),
    ):  # fmt: skip
        answer = client.post(path, data=form(client, path, **(typed | {field: wrong})))
        assert answer.status_code == 400, field
        assert "invalid-feedback" in answer.text, field
        assert "&lt;b&gt;饭后&lt;/b&gt;</textarea>" in answer.text


def test_sections_are_added_switched_and_removed_by_who_answers_for_the_telephone(
    app: Flask, store: Store
) -> None:
    qian, sun = log_in(app, "qian"), log_in(app, "sun")
    token = token_of(qian)
    new = {"csrf_token": token, "title_zh": "停车", "title_en": "Car park", "kind": "plain"}
    assert qian.post("/contents", data=new).status_code == 302
    assert sun.post("/contents", data=new | {"csrf_token": token_of(sun)}).status_code == 403
    assert qian.post("/contents", data=new | {"title_zh": ""}).status_code == 400
    assert qian.post("/contents", data=new | {"kind": "box"}).status_code == 400
    assert "停车" not in ring(store).last(), "there is nothing in it"
    id = put(store, "car-park", "1", "停车场", text_zh="地下一层。")
    assert "停车请按六。" in ring(store).last()
    assert "地下一层。" in ring(store).press("62").press("1#").last()
    off = {"csrf_token": token, "on": "0"}
    assert qian.post("/contents/car-park/switch", data=off).status_code == 302
    assert "停车" not in ring(store).last()
    assert qian.get("/information/car-park").status_code == 404
    assert "停车" not in qian.get("/information?lang=zh").text
    assert "停车" not in qian.get("/information/search?q=停车").text.split("<main")[1]
    away = form(qian, "/contents/car-park/name")
    held = qian.post("/contents/car-park/remove", data=away, follow_redirects=True)
    assert "There are entries in this section" in held.text
    entry = f"/contents/car-park/{id}"
    gone = {"csrf_token": token, "seen": seen_of(qian, entry)}
    qian.post(f"{entry}/remove", data=gone)
    assert qian.post("/contents/car-park/remove", data=away).status_code == 302
    assert model.section(store.read(), "car-park") is None
    own = form(qian, "/contents/advice/name")
    kept = qian.post("/contents/advice/remove", data=own, follow_redirects=True)
    assert "switch it off instead" in kept.text


def test_a_table_is_shown_before_it_is_put_and_anew_when_others_changed_it(
    app: Flask, store: Store
) -> None:
    client = log_in(app, "sun")
    exported = client.get("/contents/medicines/table.csv")
    assert exported.data.decode("utf-8-sig").startswith("Number to key in,Title (Chinese),")
    table = "编号,标题(中文),单价(元)\n10001,阿莫西林,9.90\n88,试药,x\n"
    token = token_of(client)

    def upload() -> str:
        file = (io.BytesIO(table.encode("gb18030")), "m.csv")
        return client.post(
            "/contents/medicines/import", data={"csrf_token": token, "file": file}
        ).text

    page = upload()
    assert "Write an amount in yuan" in page
    assert "Title (Chinese), Price of a unit, in yuan" in page
    put_path = re.search(r'action="(/contents/medicines/import/\d+)"', page)
    assert put_path
    seen = re.search(r'name="seen" value="([0-9a-f]+)"', page)
    assert seen
    row = model.entry(store.read(), "medicines", "10001")
    assert row is not None
    entry = f"/contents/medicines/{row['id']}"
    client.post(entry, data=form(client, entry, price_fen="9.80"))
    sent = {"csrf_token": token, "seen": seen[1]}
    answer = client.post(put_path[1], data=sent)
    assert answer.status_code == 409
    again = re.search(r'name="seen" value="([0-9a-f]+)"', answer.text)
    assert again
    assert client.post(put_path[1], data=sent | {"seen": again[1]}).status_code == 302
    assert client.post(put_path[1], data=sent).status_code == 404, "the draft is gone"
    assert "每盒九元九角" in ring(store).press("42").press("10001#").last()
    other = log_in(app, "qian")
    assert other.post(put_path[1], data=sent | {"csrf_token": token_of(other)}).status_code == 404


def test_who_edits_can_hear_how_it_sounds(app: Flask, store: Store) -> None:
    client = log_in(app, "sun")
    row = model.entry(store.read(), "advice", "602")
    assert row is not None
    path = f"/contents/advice/{row['id']}"
    assert f'src="{path}/sound/en/0"' in client.get(path).text

    def seconds(of: str) -> float:
        with wave.open(io.BytesIO(client.get(f"{path}/sound/{of}/0").data)) as file:
            return file.getnframes() / file.getframerate()

    assert seconds("en") > seconds("zh") + 1 > 6, "it is said first that there is no English"
    for nothing in ("en/1", "fr/0"):
        assert client.get(f"{path}/sound/{nothing}").status_code == 404


# --- for everybody ---


def test_the_page_is_the_same_for_all_and_may_be_kept_by_caches(app: Flask) -> None:
    stranger, staff = app.test_client(), log_in(app, "sun")
    for path in ("", "/experts", "/experts/102", "/search?q=儿科"):
        joint = "&" if "?" in path else "?"
        url = f"/information{path}{joint}lang=en"
        one, other = stranger.get(url), staff.get(url)
        assert one.status_code == 200
        assert one.data == other.data
        assert "Set-Cookie" not in one.headers
        assert "Cookie" not in one.headers.get("Vary", "")
        assert one.headers["Cache-Control"] == "public, max-age=30"
        again = stranger.get(url, headers={"If-None-Match": one.headers["ETag"]})
        assert again.status_code == 304
        assert "default-src 'self'" in one.headers["Content-Security-Policy"]
    assert "csrf" not in stranger.get("/information").text
    unasked = stranger.get("/information/experts", headers={"Accept-Language": "en"})
    assert "Accept-Language" in unasked.headers["Vary"]
    assert "Experts" in unasked.text
    # The staff's own session is as it was.
    assert staff.get("/contents").status_code == 200


def test_what_is_not_there_is_said_on_a_page_that_leads_to_no_page_of_the_staff(
    app: Flask,
) -> None:
    client = app.test_client()
    for path in ("/information/experts/999", "/information/none", "/information/a/b/c"):
        answer = client.get(f"{path}?lang=en", headers={"Accept": "text/html"})
        assert answer.status_code == 404
        assert "Look for it from the first page" in answer.text
        assert answer.headers["Cache-Control"] == "no-store"
        assert not re.search(r'href="/(login|wards|my|contents)', answer.text)
    for method in ("post", "put", "delete"):
        assert getattr(client, method)("/information").status_code in (400, 405)


def test_an_entry_is_told_as_by_telephone(app: Flask) -> None:
    client = app.test_client()
    page = client.get("/information/medicines/10002?lang=zh").text
    assert "¥28.60 / 盒" in page
    assert "乙类,先自付一部分后医保支付" in page
    assert 'rel="prev" href="/information/medicines/10001?lang=zh"' in page
    page = client.get("/information/advice/602?lang=en").text
    assert "This is available in Chinese only." in page
    assert '<p lang="zh-CN">体温到 38.5℃' in page
    assert "By telephone of the hospital, read out: 8603" in page


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("心律", ["101"]), ("儿科 哮喘", ["102"]), ("lzd", ["103"]), ("CARDIOLOGY", ["101"]),
        ("１０００２", ["10002"]), ("amlo", ["10002"]), ("%", ["301"]), ("_", []),
        ("心律 骨科", []), ("' OR 1=1 --", []), ("😀", []), ("  ", []),
    ],
)  # fmt: skip
def test_a_search_finds_parts_of_words_in_all_sections(
    app: Flask, asked: str, found: list[str]
) -> None:
    client = app.test_client()
    page = client.get("/information/search", query_string={"q": asked, "lang": "zh"}).text
    shown = re.findall(r'class="entry" href="/information/[\w-]+/(\d+)', page)
    assert shown == found


def test_what_is_written_is_shown_and_not_run(app: Flask, store: Store) -> None:
    id = put(store, "policy", "66", "<script>alert(1)</script>", text_zh='"><img src=x>')
    page = app.test_client().get("/information/policy/66?lang=zh").text
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "&lt;script&gt;alert(1)" in page
    with store.transaction() as tx:
        tx.execute("UPDATE info_entries SET removed_ms = 1 WHERE id = ?", (id,))


def test_first_letters_are_those_of_the_pinyin() -> None:
    assert initials("沈明华") == "smh"
    assert initials("阿莫西林 CT-3") == "amxlct3"
    assert initials("罗振东,骨科") == "lzdgk"
    assert initials("髂😀") == "", "rare ones tell none"


def test_a_switched_off_section_is_off_for_readers_at_once(app: Flask, store: Store) -> None:
    client = app.test_client()
    assert client.get("/information/advice/601").status_code == 200
    switch(store, "advice", False)
    assert client.get("/information/advice/601").status_code == 404
    assert "血压" not in client.get("/information/search?q=血压计&lang=zh").text.split("<h1")[1]
    assert service.found(store.read(), "在家", "2026-09-21") == []
    switch(store, "advice", True)
    assert service.found(store.read(), "在家", "2026-09-21") != []


def test_the_folder_of_pictures_and_styles_is_no_section(app: Flask, tmp_path: Path) -> None:
    answer = app.test_client().get("/information/static/information.css")
    assert answer.status_code == 200
    assert "text/css" in answer.headers["Content-Type"]
    answer.close()


def test_a_long_section_is_shown_in_pages(app: Flask, store: Store) -> None:
    with store.transaction() as tx:
        row = model.section(tx, "new-drugs")
        assert row is not None
        for n in range(1, public.PAGE + 3):
            wanted = editing.checked(row["kind"], {"code": str(n), "title_zh": f"药{n}"})
            editing.put(tx, row, None, wanted, editing.NOTHING, "sun", editing.ADDED)
    reader, client = app.test_client(), log_in(app, "sun")
    first = reader.get("/information/new-drugs?lang=en").text
    assert first.count('class="entry"') == public.PAGE
    assert 'rel="next" href="/information/new-drugs?page=1&amp;lang=en"' in first
    last = reader.get("/information/new-drugs?page=1&lang=en").text
    assert re.findall(r'class="number">(\d+)', last) == ["101", "102"]
    for page in ("2", "-1", "99999999999"):
        assert reader.get(f"/information/new-drugs?page={page}").status_code == 404
    assert "All 102" in reader.get("/information?lang=en").text
    rows = re.findall(r"<code>(\d+)</code>", client.get("/contents/new-drugs?page=1").text)
    assert rows == ["101", "102"]
    assert re.findall(r"<code>(\d+)</code>", client.get("/contents/new-drugs?find=药77").text) == [
        "77"
    ]
    switch(store, "new-drugs", False)
