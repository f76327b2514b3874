"""The words of admissions that no general test of the catalogues knows of."""

import re
from pathlib import Path

from central.admissions import notices
from central.words import catalogue
from gateway.his import refusals


def test_every_reason_of_the_gateway_is_listed_and_translated() -> None:
    named = {
        value
        for name, value in vars(refusals).items()
        if name.isupper() and isinstance(value, str) and " " in value
    }
    assert named == set(refusals.TEXTS)
    assert named <= catalogue("zh").keys()


def test_every_spoken_word_is_used() -> None:
    used = set(re.findall(r'"(admissions\.\w+)"', Path(notices.__file__).read_text()))
    assert used == {key for key in catalogue("zh") if key.startswith("admissions.")}
