"""What can go wrong with hardware."""

from hw import kinds


class HardwareError(Exception):
    """Something of the ward's hardware does not do what it should."""

    error_id = "hardware"
    fault = "hardware"  # its code among `hw.kinds`


class SilentError(HardwareError):
    """A unit did not answer in time."""

    error_id = "unit-silent"
    fault = kinds.SILENT


class GarbledError(HardwareError):
    """A unit's answer was damaged on the line or does not fit the register map."""

    error_id = "unit-garbled"
    fault = kinds.GARBLED


class BusGoneError(HardwareError):
    """The serial adapter of the bus is missing or broke off."""

    error_id = "bus-gone"
    fault = kinds.GONE


class SpeakerError(HardwareError):
    """The loudspeaker could not play; says why."""

    error_id = "speaker-failed"


class MicrophoneError(HardwareError):
    """The microphone could not record; says why."""

    error_id = "microphone-failed"


class WiringError(HardwareError):
    """The configuration names beds or pins that this hardware cannot serve; says which."""

    error_id = "wiring-wrong"
