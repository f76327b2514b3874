"""From a bare Python to a running command: packages, environment, then the command itself.

Started by the `wardline` script with the system's Python; standard library only.
"""

import os
import sys

from provisioning import cli, doctor, environment, packages


def say(text: str) -> None:
    """Progress, beside the command's own output."""
    print(f"wardline: {text}", file=sys.stderr, flush=True)


def main(argv: list[str]) -> int:
    """Set up what the command needs, then become it. Returns only when that failed."""
    command = cli.parse(argv).command
    if command == "doctor":
        return doctor.main()
    try:
        absent = packages.missing(packages.NEEDED[command])
        if absent:
            packages.install(absent, say)
        python = str(environment.python_of(environment.ensure(say)))
    except packages.PackagesMissingError as error:
        say(str(error))
        return 1
    except environment.EnvironmentNotMadeError as error:
        say(f"the Python packages could not be installed:\n{error}")
        return 1
    except KeyboardInterrupt:
        say("stopped; the next run begins the installation anew")
        return 130
    sys.stdout.flush()
    path = {"PYTHONPATH": str(environment.ROOT)}
    # One process from the shell to the demo, so that a signal finds it.
    return os.execve(python, [python, "-P", "-m", "provisioning.cli", *argv], os.environ | path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
