"""What the hospital's own system tells of patients' accounts."""

from central.patients import accounts
from gateway.his.events import AccountEvent

HOSPITAL = {AccountEvent: accounts.take}
