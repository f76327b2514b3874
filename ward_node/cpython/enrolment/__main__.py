"""Give this box its place: python -m ward_node.cpython.enrolment --claim CLAIM --folder FOLDER

CLAIM is as the console shows it, with the address before it or named by --server; --claim-file FILE
in its stead keeps it out of the list of processes. It may be started again at any time, also after
a power cut: the same claim and the same key get the same answer. --renew has the certificates in
FOLDER made anew, if it is time, for who does not run a box's own loop: a ward's broker.
"""

import argparse
import hashlib
import json
import os
import ssl
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ward_node.contract import claim
from ward_node.cpython.config import ConfigError
from ward_node.cpython.enrolment import asking, keys, place
from ward_node.cpython.enrolment.core import Ask, Enrolment, EnrolmentRefusedError
from ward_node.cpython.enrolment.kept import CERTIFICATE, KEY, NODE, ROOT, Kept
from ward_node.cpython.enrolment.renewing import Renewal, RenewalFailedError

Send = Callable[[Ask], tuple[int, bytes]]


def enrol(
    kept: Kept,
    address: str,
    secret: str,
    fingerprint: str,
    send: Send,
    *,
    wait: Callable[[float], None] = time.sleep,
    say: Callable[[str], None] = print,
) -> None:
    """Ask until there is a place, and keep it; nothing where this claim has given it already.
    Raises EnrolmentRefusedError, ConfigError, OSError when the disk refuses."""
    mark = hashlib.sha256(secret.encode()).hexdigest()[:16]
    if kept.is_enrolled and kept.node().get("claim") == mark:
        return
    key = kept.pending_key()
    if key is None:
        key = keys.make()
        kept.keep_pending(key)
    run = Enrolment(
        secret, fingerprint, request_for=partial(keys.request, key),
        fingerprint_of=keys.fingerprint, unfit=partial(keys.unfit, key),
    )  # fmt: skip
    while run.place is None:
        try:
            run.answered(*send(run.ask))
        except ssl.SSLCertVerificationError as error:
            say(f"{address} is not the hospital's endpoint: {error.verify_message}; tried again")
            run.failed()
        except OSError as error:
            say(f"{address} does not answer ({error}); tried again")
            run.failed()
        wait(run.wait_s)
    found = run.place
    for chain in place.chains(found.told):
        if wrong := keys.unfit(key, chain, found.root):
            raise EnrolmentRefusedError(f"a certificate that came is not usable: {wrong}")
    node = place.configuration(found.told, address, found.now_ms, kept.folder) | {"claim": mark}
    kept.keep(
        place.files(found.told)
        | {
            KEY: key,
            CERTIFICATE: found.certificate.encode(),
            ROOT: found.root.encode(),
            NODE: json.dumps(node, ensure_ascii=False, indent=1).encode(),
        }
    )


def _renew(kept: Kept) -> int:
    renewal = Renewal(kept, str(kept.node()["endpoint"]), lambda: None)
    if renewal.due():
        renewal.renew()
        print("renewed")
    return 0


def main() -> int:
    """1 when the claim is refused, 2 when the box itself cannot."""
    parser = argparse.ArgumentParser(prog="enrol", description=__doc__)
    given = parser.add_mutually_exclusive_group(required=True)
    given.add_argument("--claim")
    given.add_argument("--renew", action="store_true")
    given.add_argument("--claim-file", type=Path, help="a file that holds it")
    parser.add_argument("--server", help="the endpoint's address, where the claim names none")
    parser.add_argument("--folder", type=Path, required=True, help="where the box keeps its place")
    arguments = parser.parse_args()
    os.umask(0o077)
    try:
        if arguments.renew:
            return _renew(Kept(arguments.folder.absolute()))
        text = arguments.claim or arguments.claim_file.read_text(encoding="utf-8")
        address, secret, fingerprint = claim.read(text)
        address = arguments.server or address
        kept = Kept(arguments.folder.absolute())
        enrol(kept, address, secret, fingerprint, partial(asking.send, address))
    except (EnrolmentRefusedError, ConfigError, RenewalFailedError) as error:
        print(f"not enrolled: {error}", file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        print(f"not enrolled: {error}", file=sys.stderr)
        return 2
    print(f"enrolled; start the node with --config {kept.identity / NODE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
