"""The commands of `./wardline`. Imported before anything is installed, so each command's own
modules are imported only when it runs."""

import argparse
import sys
from pathlib import Path

from provisioning import exchange_files
from provisioning.bench import BENCHMARKS

CONFIG = "/etc/wardline/central.json"
STATE = "/var/lib/wardline"


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="./wardline",
        description="Wardline lets a hospital ward speak.",
        epilog="Whatever a command needs is installed the first time it runs.",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="command")

    demo = commands.add_parser(
        "demo",
        help="a small hospital on this machine, with virtual beds",
        description="Starts brokers, bridge, console and the boxes of two wards on virtual"
        " hardware. Ctrl-C stops all of it.",
    )
    demo.add_argument("--check", action="store_true", help="play one story through it and stop")
    demo.add_argument("--keep", action="store_true", help="go on with the last demo's database")
    demo.add_argument("--folder", type=Path, help="where it keeps its files (~/.local/state/...)")
    demo.add_argument("--port", type=int, help="port of the console (8080 or the next free one)")
    demo.add_argument("--json", action="store_true", help="print the addresses as JSON as well")

    demo.add_argument(
        "--tls", action="store_true", help="with certificates, and enrolment of boxes"
    )

    test = commands.add_parser(
        "test",
        help="every test, and ruff, mypy and import-linter",
        description="With arguments: only these tests, without the other tools.",
    )
    test.add_argument("pytest", nargs=argparse.REMAINDER, help="arguments for pytest")

    bench = commands.add_parser(
        "bench",
        help="measure; prints a table and JSON",
        description="Measures one thing. `./wardline bench NAME --help` tells its arguments.",
        epilog="; ".join(f"{name}: {what}" for name, what in BENCHMARKS.items()),
    )
    bench.add_argument("which", choices=tuple(BENCHMARKS), metavar="NAME", help="what to measure")
    bench.add_argument("arguments", nargs=argparse.REMAINDER, help="arguments of the benchmark")

    exchange = commands.add_parser("exchange", help="files for the telephone exchange")
    parts = exchange.add_subparsers(dest="part", required=True, metavar="what")
    prepare = parts.add_parser(
        "prepare",
        help="the files of an exchange of our own, before its service first starts",
        description="Writes the exchange's files into the folder that central.json names, also"
        " with a new certificate.",
    )
    prepare.add_argument("--config", type=Path, required=True, help="central.json")
    files = parts.add_parser(
        "files",
        help="systemd unit, fail2ban rules, and what a hospital's own Asterisk needs",
        description="Writes files that an administrator puts in place: the exchange as a service,"
        " firewall rules against who guesses passwords and, with --config, what a hospital's own"
        " Asterisk must include.",
    )
    files.add_argument("--output", type=Path, required=True, help="the folder to write them to")
    files.add_argument("--config", type=Path, help="central.json, for a hospital's own Asterisk")
    files.add_argument("--root", default=exchange_files.ROOT, help="the exchange root's copy")
    files.add_argument("--folder", default=exchange_files.FOLDER, help="the exchange's folder")
    files.add_argument("--user", default=exchange_files.USER, help="whom the service runs as")

    phone = commands.add_parser(
        "phone",
        help="a text telephone: call a spoken menu of the running system",
        description="Calls a spoken menu of the demo that runs, or of the system whose central.json"
        " WARDLINE_CONFIG names. Keys 0 to 9, * and #; Enter presses nothing; q hangs up.",
    )
    phone.add_argument("--lang", choices=("zh", "en"), default="zh", help="the caller's language")
    phone.add_argument("--flow", default="main", help="which menu is called (main)")
    phone.add_argument("--folder", type=Path, help="the running demo's folder, if it has another")

    node = commands.add_parser("node", help="boxes: claims for their places, and revoking them")
    deeds = node.add_subparsers(dest="deed", required=True, metavar="what")
    add = deeds.add_parser(
        "add",
        help="a claim by which a box takes its place",
        description="Prints letters that work once, for one place, and the command for the box. For"
        " the name of a box that is there the new one takes its place.",
    )
    add.add_argument("--ward", required=True, help="its ward, such as 3")
    add.add_argument("--role", required=True, choices=("bedside", "station", "broker"))
    add.add_argument("--host", help="of a broker: its address, where the ward's boxes reach it")
    add.add_argument("--port", type=int, default=8883, help="of a broker (8883)")
    add.add_argument("--beds", help="such as 1,2,3; without it those that have no box")
    add.add_argument("--name", help="of the box; without it one is chosen")
    add.add_argument("--hours", type=int, default=24, help="how long the claim holds (24)")
    revoke = deeds.add_parser("revoke", help="put a box out, at once")
    revoke.add_argument("name", help="of the box")
    revoke.add_argument("--why", help="for the audit")
    for deed in (add, revoke):
        deed.add_argument("--config", type=Path, default=Path(CONFIG), help=f"default {CONFIG}")

    centre = commands.add_parser("centre", help="sets the centre of a hospital up")
    steps = centre.add_subparsers(dest="step", required=True, metavar="what")
    first = steps.add_parser(
        "set-up",
        help="central.json, certificates, the hospital's broker, the first administrator",
        description="Writes what is missing; what is there stays. The password of the administrator"
        " is asked for, or read from the input.",
    )
    first.add_argument("--address", required=True, help="of this machine, as boxes reach it")
    first.add_argument("--admin", required=True, help="log-in name of the first administrator")
    first.add_argument("--timezone", default="Asia/Shanghai", help="of the hospital")
    first.add_argument("--config", type=Path, default=Path(CONFIG), help=f"default {CONFIG}")
    first.add_argument("--state", type=Path, default=Path(STATE), help=f"default {STATE}")

    debs = commands.add_parser(
        "packages",
        help="Debian packages of box and centre, for Debian 12 and 13",
        description="Builds wardline-node and wardline-central with all Python packages in them,"
        " checked by the hashes of requirements.lock.",
    )
    debs.add_argument("--output", type=Path, required=True, help="the folder to put them in")
    debs.add_argument(
        "--architecture", action="append", choices=("amd64", "arm64"),
        help="this machine's, unless named; once for each",
    )  # fmt: skip
    debs.add_argument(
        "--prove", action="append", choices=("12", "13"), default=[],
        help="install them on a bare Debian, and have a box enrolled and a bed called; as root",
    )  # fmt: skip

    updates = commands.add_parser("updates", help="versions of boxes: sign and publish them")
    deeds = updates.add_subparsers(dest="deed", required=True, metavar="what")
    deeds.add_parser(
        "create",
        help="the keys, once; before boxes are enrolled",
        description="Makes the keys that sign versions. Those under --keys belong on a medium that"
        " is locked away: whoever has them decides what boxes run.",
    )
    publish = deeds.add_parser(
        "publish",
        help="sign a version and let boxes have it",
        description="Signs the node's code of a checkout. What boxes take it, and when, is begun"
        " in the console under Versions.",
    )
    publish.add_argument("--tree", type=Path, default=Path(), help="the checkout (.)")
    publish.add_argument("--note", default="", help="what is new, for the engineer")
    withdraw = deeds.add_parser("withdraw", help="no box takes it any more; what has it keeps it")
    for deed in (publish, withdraw):
        deed.add_argument("version", help="such as 1.4.0")
    for deed in (*deeds.choices.values(),):
        deed.add_argument("--keys", type=Path, required=True, help="the folder of the locked keys")
        deed.add_argument("--config", type=Path, default=Path(CONFIG), help=f"default {CONFIG}")
    image = commands.add_parser(
        "image",
        help="the card of a Raspberry Pi that becomes a box at its first start",
        description="Writes what a box needs to a card that has Raspberry Pi OS Lite (64 bit)"
        " already: claim, network, packages, and the work of the first start. Reads it back.",
    )
    image.add_argument("--claim", required=True, help="as the console shows it, with the address")
    image.add_argument("--broker-claim", help="of the ward's broker, if this box has it")
    image.add_argument(
        "--output", type=Path, required=True,
        help="the folder where the card's first partition is mounted, or the card (/dev/sda), or"
        " the file of one",
    )  # fmt: skip
    image.add_argument(
        "--packages", type=Path, required=True, help="the folder of `./wardline packages`"
    )
    image.add_argument("--debian", required=True, choices=("12", "13"), help="of Raspberry Pi OS")
    image.add_argument(
        "--offline", action="store_true", help="with all of Debian that it needs on the card"
    )
    image.add_argument(
        "--hardware", default="bus", choices=("bus", "gpio", "none"), help="of the beds (bus)"
    )
    image.add_argument("--hostname", help="the name of the box, unless named")
    image.add_argument("--address", help="such as 10.0.3.7/24; by DHCP, unless named")
    image.add_argument("--gateway")
    image.add_argument("--dns", action="append", help="a name server; once for each")
    image.add_argument("--wifi", help="the name of a wireless network")
    image.add_argument("--wifi-password-file", type=Path)
    image.add_argument("--wifi-country", help="two letters, such as CN")
    image.add_argument("--ssh-key", type=Path, help="a public key: lets `engineer` log in")
    image.add_argument("--time-server", help="where the box has the time from")
    image.add_argument(
        "--unasked", action="store_true", help="do not ask the endpoint whose the claim is"
    )

    commands.add_parser("doctor", help="what is installed, what is missing, which versions")
    return top


def parse(argv: list[str]) -> argparse.Namespace:
    """The parsed command line; exits with the usage when it makes no sense."""
    return parser().parse_args(argv)


def main(argv: list[str]) -> int:
    arguments = parse(argv)
    if arguments.command == "demo":
        from provisioning import check, demo

        return demo.main(arguments, check.play)
    if arguments.command == "test":
        from provisioning import testing

        return testing.main(arguments.pytest)
    if arguments.command == "exchange":
        if arguments.part == "files":
            return exchange_files.main(arguments)
        from provisioning import exchange_prepare

        return exchange_prepare.main(arguments.config)
    if arguments.command == "phone":
        from provisioning import phone

        return phone.main(arguments)
    if arguments.command == "node":
        from provisioning import nodes

        return nodes.main(arguments)
    if arguments.command == "centre":
        from provisioning import centre

        return centre.main(arguments)
    if arguments.command == "image":
        from provisioning.boot import image

        return image.main(arguments)
    if arguments.command == "packages":
        from provisioning.debian import build

        return build.main(arguments)
    if arguments.command == "updates":
        from provisioning.updates import publishing

        return publishing.main(arguments)
    if arguments.command == "bench":
        from provisioning import bench

        return bench.main(arguments.which, arguments.arguments)
    from provisioning import doctor

    return doctor.main()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
