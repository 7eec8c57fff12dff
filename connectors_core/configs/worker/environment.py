"""The worker's settings in the environment: `PYCONNECT_KAFKA` and its like."""

from __future__ import annotations

import re
from collections.abc import Mapping

from connectors_core.configs.properties import BOOTSTRAP, PROPERTIES
from connectors_core.configs.worker.client import Said

KAFKA = "PYCONNECT_KAFKA"
WORKER = "PYCONNECT_WORKER"
DATA_DIR = "PYCONNECT_DATA_DIR"

# Kubernetes and Docker links set these beside a service that is called pyconnect-kafka.
_SERVICE = re.compile(r"SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?")


def client(environ: Mapping[str, str]) -> dict[str, Said]:
    """Return the properties of Kafka's client that the environment has; an empty one is none.

    `PYCONNECT_KAFKA` has the addresses, `PYCONNECT_KAFKA_SASL_USERNAME` is `sasl.username`.
    """
    found = {BOOTSTRAP: Said(environ[KAFKA], KAFKA)} if environ.get(KAFKA) else {}
    for variable, value in sorted(environ.items()):
        rest = variable.removeprefix(f"{KAFKA}_")
        if rest == variable or not value or _SERVICE.fullmatch(rest):
            continue
        name = _NAMES.get(rest, rest.lower().replace("_", "."))
        # `bootstrap.servers` is what the variable without more words says: an alias of it here.
        found["metadata.broker.list" if name == BOOTSTRAP else name] = Said(value, variable)
    return found


_NAMES = {name.replace(".", "_").upper(): name for name in PROPERTIES}
"""A property by the end of its variable; `log_level` has an underscore of its own."""
