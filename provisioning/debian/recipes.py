"""What each package holds, needs and is called. No input or output."""

from collections.abc import Mapping
from dataclasses import dataclass, field

# The Pythons of Debian 12 and 13: a package serves both.
PYTHONS = ("3.11", "3.13")
ARCHITECTURES = ("amd64", "arm64")
# As `platform_machine` calls them.
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


@dataclass(frozen=True)
class Recipe:
    """code: our folders and files in it; without: of these, what it can do without. needs: Python
    packages by name, each with all that it needs itself; None: all that run in production.
    from_system: those that a Python has from the system, since nobody ships a wheel."""

    name: str
    says: str
    code: tuple[str, ...]
    depends: tuple[str, ...]
    recommends: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    needs: tuple[str, ...] | None = None
    # Of these, what it can do without.
    spares: tuple[str, ...] = ()
    # Only where there are pins.
    needs_on_arm64: tuple[str, ...] = ()
    recommends_on_arm64: tuple[str, ...] = ()
    from_system: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """Where its code lives, below /."""
        return f"usr/lib/{self.name}"


_COMMON = ("adduser", "openssl", "python3 (>= 3.11)", "python3 (<< 3.14)", "tzdata")

NODE = Recipe(
    "wardline-node",
    "a ward's box: beds, lamps, voice, and the ward's own broker",
    # Of what sets things up, a box needs what keeps a ward's broker.
    code=(
        "hw",
        "ward_node",
        "gateway/mqtt/__init__.py",
        "provisioning/__init__.py",
        "provisioning/authority/__init__.py",
        "provisioning/authority/keys.py",
        "provisioning/broker.py",
        "provisioning/keeper.py",
        "provisioning/mosquitto.py",
        "provisioning/packages.py",
        "provisioning/ward_broker.py",
    ),
    without=("ward_node/micropython",),
    depends=(*_COMMON, "alsa-utils", "espeak-ng"),
    recommends=("mosquitto",),
    needs=(
        "aiohttp",
        "aiomqtt",
        "babel",
        "cryptography",
        "gpiozero",
        "minimalmodbus",
        "pyserial",
        "tuf",
    ),
    needs_on_arm64=("lgpio",),
    # Raspberry Pi OS has it, Debian has not; the bedside bus needs none.
    recommends_on_arm64=("python3-lgpio",),
    from_system={"3.13": ("lgpio",)},
)

CENTRAL = Recipe(
    "wardline-central",
    "the centre: bridge, console, enrolment, the hospital's broker",
    code=("ward_node/contract", "gateway", "central", "provisioning", "requirements.lock"),
    without=("provisioning/debian",),  # builds packages out of the sources
    depends=(*_COMMON, "espeak-ng", "fonts-wqy-zenhei", "mosquitto"),
    recommends=("bubblewrap", "fail2ban", "mmdebstrap", "mtools"),
    spares=("gpiozero", "lgpio", "minimalmodbus", "pyserial"),  # those of hardware
)

RECIPES = {recipe.name: recipe for recipe in (NODE, CENTRAL)}
