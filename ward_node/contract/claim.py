"""A claim as it is written down: 28 letters and digits in groups of four.

    7K3M-Q0ZT-4XWB-9D2E-HJ5R-VN8C-1GPA

The first eleven are the secret, 55 bits: what a box proves with that it may have the place the
claim is for. Sixteen are the beginning of the authority's fingerprint, 80 bits: what the box knows
the hospital by. The last one tells a slip of the finger. The alphabet is Crockford's: no letter
looks like a digit, and those that do are read as one.

An address may stand before it: https://10.0.0.5:8884/#7K3M-...
"""

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SECRET_LETTERS = 11
FINGERPRINT_LETTERS = 16
LETTERS = SECRET_LETTERS + FINGERPRINT_LETTERS + 1
SECRET_BITS = 5 * SECRET_LETTERS
FINGERPRINT_BITS = 5 * FINGERPRINT_LETTERS
_SAME = {"O": "0", "I": "1", "L": "1"}


def letters(number: int, count: int) -> str:
    """A number as `count` letters of the alphabet, 5 bits each."""
    return "".join([ALPHABET[number >> 5 * place & 31] for place in range(count - 1, -1, -1)])


def fingerprint(key_id: str) -> str:
    """The letters that stand for an authority whose key has this SHA-256, in hexadecimal."""
    return letters(int(key_id[: FINGERPRINT_BITS // 4], 16), FINGERPRINT_LETTERS)


def write(secret: str, fingerprint: str) -> str:
    """The claim of a secret, in groups."""
    whole = secret + fingerprint
    whole += _check(whole)
    return "-".join([whole[at : at + 4] for at in range(0, LETTERS, 4)])


def read(text: str) -> "tuple[str, str, str]":
    """(address or "", secret, fingerprint) of what somebody typed or scanned. Raises ValueError
    with the reason."""
    address, mark, claim = text.strip().rpartition("#")
    if mark and not address.startswith("https://"):
        raise ValueError("what stands before # must be an address that begins with https://")
    found = ""
    for letter in claim.upper():
        letter = _SAME.get(letter, letter)
        if letter in "- \t":
            continue
        if letter not in ALPHABET:
            raise ValueError("a claim has no " + repr(letter) + " in it")
        found += letter
    if len(found) != LETTERS:
        raise ValueError("a claim has " + str(LETTERS) + " letters, this has " + str(len(found)))
    if _check(found[:-1]) != found[-1]:
        raise ValueError("a letter of the claim is wrong, or two have changed places")
    return address, found[:SECRET_LETTERS], found[SECRET_LETTERS:-1]


def _check(whole: str) -> str:
    """Luhn's check letter, modulo 32."""
    total = 0
    factor = 2
    for letter in reversed(whole):
        value = ALPHABET.index(letter) * factor
        total += value // 32 + value % 32
        factor = 3 - factor
    return ALPHABET[-total % 32]
