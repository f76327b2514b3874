"""One unit's answers and silences, judged without a bus."""

from hw.kinds import GARBLED, SILENT
from hw.registers import AT_REST, Counters, Reading, Status
from hw.rota import DOUBTFUL_EVERY_MS, Rota
from hw.watch import FAILED_AFTER_MS, SETTLED_AFTER_MS, Told, UnitWatch

REST = Counters(
    serial=7, boots=1, presses=0, holds=0, cord=0, presence=0, plug=0, tests=0, levels=AT_REST
)


def reading(counters: Counters = REST, outputs: int = 0, broken: bool = False) -> Reading:
    status = Status(False, False, False, True, broken)
    return Reading(status, outputs, counters)


def watch() -> UnitWatch:
    return UnitWatch("3", 3, REST, 0)


def answers(unit: UnitWatch, counters: Counters, now_ms: int) -> list[Told]:
    """A poll as the bus does it: news are asked for again."""
    told = list(unit.answered(reading(counters), now_ms))
    if unit.unconfirmed:
        told += unit.answered(reading(counters), now_ms)
    return told


def fails(unit: UnitWatch, code: str, until_ms: int, noise: float | None) -> list[Told]:
    told = []
    for now_ms in range(0, until_ms + 1, 100):
        told += list(unit.failed(code, "it", now_ms, noise))
    return told


def codes(told: list[Told]) -> list[tuple[str | None, str]]:
    return [(one.kind, one.about["code"]) for one in told if "code" in one.about]


def test_news_are_believed_only_when_they_come_twice() -> None:
    unit = watch()
    damaged = REST._replace(presses=77)
    assert list(unit.answered(reading(damaged), 0)) == []
    assert unit.unconfirmed
    assert list(unit.answered(reading(REST), 10)) == []
    assert not unit.unconfirmed
    assert [one.kind for one in answers(unit, REST._replace(presses=1), 20)] == ["press", None]


def test_silence_is_told_once_after_its_time_and_recovery_once() -> None:
    unit = watch()
    assert fails(unit, SILENT, FAILED_AFTER_MS - 1, 0.0) == []
    told = list(unit.failed(SILENT, "no answer", FAILED_AFTER_MS, 0.0))
    assert told[0].about == {
        "device": "unit 3",
        "code": "silent",
        "detail": "no answer",
        "for_ms": FAILED_AFTER_MS,
    }
    assert fails(unit, SILENT, 9000, 0.0) == []
    assert codes(list(unit.answered(reading(), 9100))) == [("recovered", "silent")]
    assert list(unit.answered(reading(), 9200)) == []


def test_damaged_answers_of_one_unit_among_good_ones_are_a_clash() -> None:
    assert codes(fails(watch(), GARBLED, 4000, 0.0)) == [
        ("fault", "garbled"),
        ("recovered", "garbled"),
        ("fault", "address_clash"),
    ]


def test_damaged_answers_on_a_noisy_line_are_not_a_clash() -> None:
    assert codes(fails(watch(), GARBLED, 9000, 0.5)) == [("fault", "garbled")]


def test_a_lone_unit_with_damaged_answers_is_garbled() -> None:
    assert codes(fails(watch(), GARBLED, 9000, None)) == [("fault", "garbled")]


def test_half_the_answers_damaged_is_a_clash_too() -> None:
    unit, told = watch(), []
    for now_ms in range(0, 6000, 200):
        told += list(unit.failed(GARBLED, "it", now_ms, 0.0))
        told += list(unit.answered(reading(), now_ms + 100))
    assert codes(told) == [("fault", "address_clash")]


def test_a_serial_number_that_flips_is_a_clash_until_it_settles() -> None:
    unit = watch()
    other = REST._replace(serial=9, presses=50)
    assert codes(answers(unit, other, 100)) == []
    told = answers(unit, REST, 200)
    assert codes(told) == [("fault", "address_clash")]
    assert "0009" in told[0].about["detail"]
    # Both keep counting, so neither loses a press nor tells the other's.
    assert [one.kind for one in answers(unit, other._replace(presses=51), 300)] == ["press", None]
    assert [one.kind for one in answers(unit, REST._replace(presses=1), 400)] == ["press", None]
    settled = REST._replace(presses=1)
    assert answers(unit, settled, 399 + SETTLED_AFTER_MS) == []
    told = answers(unit, settled, 400 + SETTLED_AFTER_MS)
    assert codes(told) == [("recovered", "address_clash")]


def test_an_exchanged_unit_is_no_clash() -> None:
    unit = watch()
    told = answers(unit, REST._replace(serial=9, presses=50), 100)
    told += answers(unit, REST._replace(serial=9, presses=51), 200)
    assert [one.kind for one in told] == [None, "press", None]


def test_a_bus_that_was_gone_gives_each_unit_its_time_again() -> None:
    unit = watch()
    fails(unit, SILENT, FAILED_AFTER_MS - 1, 0.0)
    unit.bus_is_back(60_000)
    for now_ms in range(60_000, 60_000 + FAILED_AFTER_MS, 100):
        assert list(unit.failed(SILENT, "it", now_ms, 0.0)) == []


def test_lights_that_differ_are_wanted() -> None:
    unit = watch()
    unit.outputs = 0b10
    assert unit.wants_outputs(reading(outputs=0))
    assert not unit.wants_outputs(reading(outputs=0b10))
    assert not unit.wants_outputs(reading(outputs=0b1000_0010))  # a self-test runs


def test_the_rota_asks_everybody_and_one_doubtful_a_round() -> None:
    watches = [UnitWatch(str(bed), bed, REST, 0) for bed in range(1, 6)]
    rota = Rota(watches)
    assert [each.address for each in rota.round(0)] == [1, 2, 3, 4, 5]
    for doubtful in watches[:3]:
        fails(doubtful, SILENT, 100, 0.0)
    asked = [[each.address for each in rota.round(1000 + turn)] for turn in range(4)]
    assert asked == [[4, 5, 1], [4, 5, 2], [4, 5, 3], [4, 5]]
    later = 1000 + DOUBTFUL_EVERY_MS
    assert [each.address for each in rota.round(later)] == [4, 5, 1]


def test_noise_is_measured_on_the_others_that_answer() -> None:
    watches = [UnitWatch(str(bed), bed, REST, 0) for bed in range(1, 4)]
    rota = Rota(watches)
    assert rota.noise(besides=watches[0]) is None
    fails(watches[1], SILENT, 1000, 0.0)  # dead, so it says nothing of the line
    for _ in range(3):
        list(watches[2].answered(reading(), 0))
    list(watches[2].failed(GARBLED, "it", 0, 0.0))
    assert rota.noise(besides=watches[0]) == 0.25
