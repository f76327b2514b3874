"""Words that no voice can say are refused before callers shall hear them."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from central.flows import service, speaking
from gateway.speech.library import EngineFailedError, Espeak
from tests.flows.test_versions import menu


def speech(folder: Path) -> dict[str, Any]:
    return {"cache": str(folder / "speech"), "url": ""}


def unspeakable(folder: Path, words: str, before: str = "") -> list[str]:
    found = speaking.unspeakable(
        speech(folder),
        service.read(menu("fees", words)),
        service.read(menu("fees", before)) if before else None,
    )
    return [str(each) for each in found]


def test_words_are_said_once_and_what_is_silent_is_told_with_its_line(tmp_path: Path) -> None:
    assert unspeakable(tmp_path, "Well") == []
    assert len(list((tmp_path / "speech" / "keys").iterdir())) == 2  # in both languages
    assert unspeakable(tmp_path, '"\\x00"') == [
        "line 5: Step a (en): these words cannot be spoken."
    ]  # fmt: skip


def test_only_new_words_are_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(
        speaking, "_can_say", lambda _library, words: _said(asked.append(words.text))
    )
    assert unspeakable(tmp_path, "new", before="old") == []
    assert asked == ["new"]


async def _said(_none: None) -> bool:
    return True


def test_where_no_voice_answers_it_is_not_the_words_that_are_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> str:
        await asyncio.sleep(0)
        raise EngineFailedError("not installed")

    monkeypatch.setattr(Espeak, "identity", fails)
    assert unspeakable(tmp_path, "Well") == []


def test_without_speech_nothing_is_tried(tmp_path: Path) -> None:
    assert speaking.unspeakable({}, service.read(menu("fees", "Well")), None) == []
