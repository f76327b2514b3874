"""The core of the tests marked [micropython] is truly MicroPython's."""

from pathlib import Path

import pytest

from tests.ward_node import remote
from tests.ward_node.conftest import tests_the_core as is_for_both
from ward_node.core import messages
from ward_node.core.effects import Speak

HERE = Path(__file__).parent


def test_every_test_of_the_core_runs_on_both() -> None:
    both = {path.stem for path in HERE.glob("test_*.py") if is_for_both(path)}
    assert both >= {
        "test_bed", "test_drip", "test_messages", "test_node", "test_outbox", "test_voice",
    }  # fmt: skip
    assert not both & {"test_audio", "test_disk", "test_process"}


def test_the_stand_ins_run_on_micropython() -> None:
    assert remote.peer().ask("python") == "micropython"
    with remote.core_modules():
        from ward_node.core.bed import Bed
        from ward_node.core.messages import check as check_there
    for each in (Bed, check_there, Bed("1", 0)):
        assert isinstance(each, remote.Remote)
    assert not isinstance(messages.check, remote.Remote)  # the real one is back
    with pytest.raises(messages.RejectedMessageError, match="empty"):
        check_there("receipt", {"ids": []})


def test_values_travel_both_ways_unchanged() -> None:
    with remote.core_modules():
        from ward_node.core.bed import Bed

        bed = Bed("十二+1", 5)
    values = [None, True, 1 << 70, -1.5, "字\n", b"\x00\xff", [1, (2, {3})], {"a": {1: "b"}}]
    bed.kept = values
    assert bed.kept == values
    assert [type(each) for each in bed.kept] == [type(each) for each in values]
    speak = Speak("u", None, "call", 80, "low", ("1",))
    bed.kept = speak
    assert bed.kept == speak
    assert isinstance(bed.kept, Speak)
    bed.kept = bed
    assert bed.kept == bed
    own = object()
    bed.kept = own
    assert bed.kept is own


def test_an_exception_of_the_tests_crosses_to_the_core_and_back() -> None:
    with remote.core_modules():
        from ward_node.core.outbox import Outbox

    class Full:
        def beside(self) -> list[str]:
            raise OSError(28, "full")

    with pytest.raises(OSError, match="full"):
        Outbox("3", "3-box", 1, Full(), "run-1", 0)
