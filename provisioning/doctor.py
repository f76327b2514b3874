"""What is installed, what is missing, which versions. Standard library only."""

import platform
import shutil
import subprocess

from provisioning import bootstrap, packages

_VERSION_FLAGS = {"mosquitto": "-h", "espeak-ng": "--version", "chromium": "--version"}


def main() -> int:
    """Print the findings; exit status 1 when something is missing."""
    rows = [("Python", platform.python_version(), True)]
    seen: set[str] = set()
    for command, wanted in packages.BY_COMMAND.items():
        for package in wanted:
            if package.name in seen:
                continue
            seen.add(package.name)
            present = package.present()
            hint = f"missing, for `{command}`: apt-get install {package.name} ({package.why})"
            rows.append((package.name, _version(package) if present else hint, present))
    folder = bootstrap.environment_folder()
    complete = (folder / "complete").exists()
    note = str(folder) if complete else "not made yet: the first `./wardline demo` makes it"
    rows.append(("Python packages", note, complete))
    width = max(len(name) for name, _, _ in rows)
    for name, finding, good in rows:
        print(f"{'ok     ' if good else 'MISSING'}  {name:<{width}}  {finding}")
    return 0 if all(good for _, _, good in rows) else 1


def _version(package: packages.Package) -> str:
    flag = _VERSION_FLAGS.get(package.proof)
    program = shutil.which(package.proof, path=packages.PROGRAM_PATH)
    if flag is None or program is None:
        return "installed"
    told = subprocess.run([program, flag], capture_output=True, text=True).stdout
    return told.splitlines()[0] if told else "installed"
