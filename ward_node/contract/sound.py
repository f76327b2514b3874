"""A live voice as it goes to the boxes: telephone sound (G.711 mu-law), in blocks."""

RATE_HZ = 8_000
BLOCK_MS = 200
BLOCK_BYTES = RATE_HZ * BLOCK_MS // 1000  # a sample is a byte
SILENCE = b"\xff"  # of one sample
