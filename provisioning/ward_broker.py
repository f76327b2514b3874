"""The files of a ward's broker on the box that has it, made of what its claim gave:

    python -m provisioning.ward_broker --folder /var/lib/wardline/broker

before the broker starts. `ward_node.cpython.enrolment` left in FOLDER/identity what the centre told
and signed; here it becomes FOLDER/mosquitto. Who may use the broker its keeper asks the centre, and
what it wrote stays.
"""

import argparse
import json
import os
import sys
from pathlib import Path

from provisioning import mosquitto
from provisioning.authority.keys import put
from provisioning.keeper import ACCESS
from provisioning.mosquitto import Broker, Identity, PasswordFileError, Tls, Upstream

ANY = "0.0.0.0"


def prepare(folder: Path) -> Broker:
    """Raises OSError, ValueError, KeyError, TypeError, PasswordFileError."""
    identity = folder / "identity"
    told = json.loads((identity / "node.json").read_bytes())
    ward, hospital = str(told["ward"]), told["hospital"]
    made = folder / "mosquitto"
    made.mkdir(parents=True, exist_ok=True, mode=0o700)
    revoked = made / "revoked.pem"
    if not revoked.exists():
        put(revoked, (identity / "revoked.pem").read_bytes())
    key, root = identity / "key.pem", identity / "root.pem"
    tls = Tls(identity / "server.pem", key, identity / "clients.pem", revoked)
    events, rest = mosquitto.ward_events_user(ward, None), mosquitto.ward_user(ward, None)
    upstream = Upstream(
        ward,
        int(hospital["port"]),
        events,
        rest,
        str(hospital["host"]),
        {
            events.name: Identity(identity / "events.pem", key, root),
            rest.name: Identity(identity / "certificate.pem", key, root),
        },
    )
    broker = Broker(made, int(told["broker"]["port"]), (), upstream, tls, address=ANY)
    mosquitto.write(broker, keep_rules=(made / ACCESS).exists())
    mosquitto.write_private(
        made / "keeper.json",
        {
            "folder": str(made),
            "port": broker.port,
            "endpoint": f"{str(told['endpoint']).rstrip('/')}/v1/access/{ward}",
            "tls": mosquitto.as_text(tls),
            "identity": mosquitto.as_text(upstream.identities[rest.name]),
        },
    )
    return broker


def main() -> int:
    """2 when there is nothing to make them of."""
    parser = argparse.ArgumentParser(prog="ward-broker", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    os.umask(0o077)
    try:
        prepare(parser.parse_args().folder.absolute())
    except (OSError, ValueError, KeyError, TypeError, PasswordFileError) as error:
        print(f"the ward's broker has no place yet: {error!r}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
