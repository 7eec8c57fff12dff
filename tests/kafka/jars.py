"""The jars of a real Kafka, resolved by Maven once and kept outside the tree.

`python -m tests.kafka.jars` fetches them ahead of the tests, and prints the folder.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

POM = Path(__file__).with_name("pom.xml")
JAVA = 17
MAVEN_SECONDS = 600


class MissingToolError(Exception):
    """Java or Maven is not on this machine, so that no broker can be started here."""


def version() -> str:
    """Return the version of Kafka that pom.xml pins."""
    found = re.search(r"<version>([^<$]+)</version>", POM.read_text())
    assert found, f"{POM}: has no <version>. Write the version of Kafka as the project's version."
    return found[1]


def java() -> str:
    """Return the command of a Java that can run Kafka, or raise MissingToolError."""
    home = os.environ.get("JAVA_HOME")
    command = shutil.which("java", path=str(Path(home, "bin")) if home else None)
    if command is None:
        place = f"JAVA_HOME={home}" if home else "PATH"
        raise MissingToolError(f"{place}: has no java. Install Java {JAVA} or newer.")
    said = subprocess.run([command, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    if not found or int(found[1]) < JAVA:
        raise MissingToolError(
            f"{command}: is {said.splitlines()[0] if said else 'silent'}. "
            f"Install Java {JAVA} or newer, or set JAVA_HOME to one."
        )
    return command


def folder() -> Path:
    """Return where the jars are, or are going to be: one folder a version of pom.xml."""
    if given := os.environ.get("PYCONNECT_KAFKA_JARS"):
        return Path(given).absolute()
    digest = hashlib.sha256(POM.read_bytes()).hexdigest()[:8]
    return Path.home() / ".cache" / "pyconnect-kafka" / f"{version()}-{digest}"


def jars() -> Path:
    """Return the folder of the jars, fetched first where they are not there yet.

    Blocks while another process fetches them. The folder appears by a rename, so one that is
    there is whole.
    """
    target = folder()
    if any(target.glob("kafka_*.jar")):
        return target
    maven = shutil.which("mvn")
    if maven is None:
        raise MissingToolError(
            f"PATH: has no mvn, and {target} no jars. Install Maven, or set PYCONNECT_KAFKA_JARS "
            "to a folder that has the jars of tests/kafka/pom.xml."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / f".{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not any(target.glob("kafka_*.jar")):
            fetch(maven, target)
    return target


def fetch(maven: str, target: Path) -> None:
    """Resolve pom.xml into a folder beside the target, and rename it."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as scratch:
        output = Path(scratch) / "lib"
        arguments = ["-B", "-q", "-f", str(POM), f"-DoutputDirectory={output}"]
        done = subprocess.run(
            [maven, *arguments, "dependency:copy-dependencies"],
            capture_output=True,
            text=True,
            check=False,
            timeout=MAVEN_SECONDS,
        )
        if done.returncode:
            raise RuntimeError(
                f"{POM}: Maven could not resolve it: {done.stdout[-2000:]}{done.stderr[-2000:]}\n"
                "Give Maven a way to Maven Central, or a mirror of it in ~/.m2/settings.xml."
            )
        try:
            output.rename(target)
        except OSError as error:
            raise RuntimeError(
                f"{target}: is there, but has no jars of Kafka. Delete it, or name another "
                "folder in PYCONNECT_KAFKA_JARS."
            ) from error


if __name__ == "__main__":
    print(java())
    print(jars())
