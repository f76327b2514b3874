"""Telephone sound (G.711 mu-law) as 16-bit samples."""

import array
import sys

RATE_HZ = 8_000
_BIAS = 0x84


def _sample(code: int) -> int:
    """ITU-T G.711, table 2b, at 16 bits."""
    code = ~code & 0xFF
    size = (((code & 0x0F) << 3) + _BIAS << (code >> 4 & 7)) - _BIAS
    return -size if code & 0x80 else size


_SAMPLES = [_sample(code) for code in range(256)]


def linear(mu_law: bytes, volume: int = 100) -> bytes:
    """Little-endian 16-bit samples, scaled to `volume` percent."""
    samples = array.array("h", [_SAMPLES[code] * volume // 100 for code in mu_law])
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()
