"""How the official image makes Kafka's settings of a container's environment.

As `docker/README.md` of Apache Kafka says, and as its `KafkaDockerWrapper` does.
"""

from __future__ import annotations

from collections.abc import Mapping

NO_SETTINGS = frozenset(
    {
        "KAFKA_VERSION",
        "KAFKA_HEAP_OPTS",
        "KAFKA_LOG4J_OPTS",
        "KAFKA_OPTS",
        "KAFKA_JMX_OPTS",
        "KAFKA_JVM_PERFORMANCE_OPTS",
        "KAFKA_GC_LOG_OPTS",
        "KAFKA_LOG4J_ROOT_LOGLEVEL",
        "KAFKA_LOG4J_LOGGERS",
        "KAFKA_TOOLS_LOG4J_LOGLEVEL",
        "KAFKA_JMX_HOSTNAME",
    }
)
"""Variables that the image uses itself."""


def setting(variable: str) -> str:
    """Return the setting of a variable: `_` is `.`, `__` is `_` and `___` is `-`."""
    name = variable.removeprefix("KAFKA_").lower()
    return name.replace("_", ".").replace("...", "-").replace("..", "_")


def properties(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the settings that a broker in such a container runs with."""
    return {
        setting(name): value
        for name, value in environment.items()
        if name.startswith("KAFKA_") and name not in NO_SETTINGS
    }


def parse(text: str) -> dict[str, str]:
    """Return the settings of a server.properties without comments."""
    pairs = (line.partition("=") for line in text.splitlines() if line.strip())
    return {name: value for name, _, value in pairs}
