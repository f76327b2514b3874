"""The words of admissions that no general test of the catalogues knows of."""

import re
from pathlib import Path

from central.admissions import notices
from central.words import catalogue


def test_every_spoken_word_is_used() -> None:
    used = set(re.findall(r'"(admissions\.\w+)"', Path(notices.__file__).read_text()))
    assert used == {key for key in catalogue("zh") if key.startswith("admissions.")}
