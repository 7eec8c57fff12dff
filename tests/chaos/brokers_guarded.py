"""Brokers that let in whom they know: passwords, rights, and certificates of a made-up authority."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it does export them
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from tests.kafka.broker import HOST, free_ports

ADMIN, USER = "admin", "pyconnect"
PASSWORD = "kept-out-of-every-message"
ACL_SECONDS = 30.0
DAYS = "2"


class Guarded:
    """What one broker is told beside its own settings, and where its guarded listeners are.

    `login` takes a name and a password, `tls` a client that trusts the authority.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        plain, secure, inside, watching = free_ports(4)
        self.login, self.tls = f"{HOST}:{plain}", f"{HOST}:{secure}"
        self.inside = f"{HOST}:{inside}"
        self.controller = watching

    @property
    def authority(self) -> Path:
        """The file with the certificate of who has signed the broker's."""
        return self.folder / "ca.pem"

    def settings(self) -> Mapping[str, object]:
        """Return what goes over the settings of broker.py."""
        inside = self.inside
        return {
            "listeners": f"PLAINTEXT://{inside},LOGIN://{self.login},TLS://{self.tls},"
            f"CONTROLLER://{HOST}:{self.controller}",
            "advertised.listeners": f"PLAINTEXT://{inside},LOGIN://{self.login},TLS://{self.tls}",
            "controller.quorum.voters": f"1@{HOST}:{self.controller}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,LOGIN:SASL_PLAINTEXT,TLS:SSL,"
            "CONTROLLER:PLAINTEXT",
            "listener.name.login.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.login.plain.sasl.jaas.config": self.users(),
            "listener.name.tls.ssl.keystore.type": "PEM",
            "listener.name.tls.ssl.keystore.location": self.folder / "broker.pem",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            # The tests' own clients, and the broker's, come without a name.
            "super.users": f"User:ANONYMOUS;User:{ADMIN}",
        }

    def users(self) -> str:
        """Return who may log in."""
        names = " ".join(f'user_{each}="{PASSWORD}"' for each in (ADMIN, USER))
        return f"org.apache.kafka.common.security.plain.PlainLoginModule required {names};"

    def sign(self) -> None:
        """Make the authority and the broker's certificate."""
        self.openssl("req -x509 -newkey rsa:2048 -nodes -subj /CN=tests -keyout ca.key -out ca.pem")
        request = "req -newkey rsa:2048 -nodes -subj /CN=broker -keyout broker.key -out broker.csr"
        self.openssl(request)
        (self.folder / "names").write_text(f"subjectAltName=IP:{HOST}\n")
        self.openssl(
            "x509 -req -in broker.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days"
            f" {DAYS} -extfile names -out broker.crt"
        )
        parts = [self.folder / name for name in ("broker.key", "broker.crt", "ca.pem")]
        (self.folder / "broker.pem").write_text("".join(part.read_text() for part in parts))

    def openssl(self, words: str) -> None:
        """Run openssl in the folder."""
        subprocess.run(
            ["openssl", *words.split()],
            cwd=self.folder,
            check=True,
            capture_output=True,
            timeout=60,
        )

    def properties(self, password: str = PASSWORD) -> Mapping[str, str]:
        """Return what a worker says of its login."""
        return {
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "PLAIN",
            "sasl.username": USER,
            "sasl.password": password,
        }


def allow(bootstrap: str, rights: Mapping[tuple[ResourceType, str], list[AclOperation]]) -> None:
    """Let the user do all this: by kind of resource and the beginning of its name."""
    bindings = [
        AclBinding(
            kind,
            prefix,
            ResourcePatternType.PREFIXED,
            f"User:{USER}",
            "*",
            operation,
            AclPermissionType.ALLOW,
        )
        for (kind, prefix), operations in rights.items()
        for operation in operations
    ]
    client = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    for future in client.create_acls(bindings).values():
        future.result(ACL_SECONDS)
