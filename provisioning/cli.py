"""The commands of `./wardline`, run inside the locked environment."""

import argparse
import sys


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="wardline", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("test", help="every check and every test")
    commands.add_parser("doctor", help="what is installed, what is missing, which versions")
    chosen, rest = parser.parse_known_args(arguments)
    if chosen.command == "test":
        from provisioning import testing

        return testing.main(rest)
    from provisioning import doctor

    return doctor.main()


if __name__ == "__main__":
    sys.exit(main())
