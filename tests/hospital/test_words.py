"""The words of refusals, which are written in the gateway and translated here."""

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
