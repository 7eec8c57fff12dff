"""A worker's settings: the command line goes before the environment, that before the file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from connectors_core.api.errors import ConfigError
from connectors_core.configs.properties import BOOTSTRAP
from connectors_core.configs.providers import Providers
from connectors_core.configs.worker import environment
from connectors_core.configs.worker.client import Client, Refusal, Said, nothing_refused
from connectors_core.configs.worker.file import WorkerFile
from connectors_core.configs.worker.options import WorkerOptions
from connectors_core.configs.worker.place import DATA_DIR, Asked, KafkaPlace, LogPlace


def place(asked: Asked, environ: Mapping[str, str], refusal: Refusal = nothing_refused) -> LogPlace:
    """Return where the log is. Blocking, if there is a file.

    `refusal` asks Kafka's client about properties; it is called only where Kafka is named. Raises
    one ConfigError with everything that is wrong in file, environment and command line.
    """
    file = _file(asked, environ)
    client = Client(refusal)
    client.add(file.client() if file else {})
    client.add(environment.client(environ))
    if asked.kafka is not None:
        client.add({BOOTSTRAP: Said(asked.kafka, "--kafka")})
    options = file.options() if file else WorkerOptions()
    properties = client.checked()
    problems = [*(file.problems if file else ()), *client.problems, *_clashes(options, file)]
    if problems:
        raise ConfigError.of(sorted(problems, key=_rank))
    kafka = _kafka(options, client, properties) if properties else None
    return LogPlace(_data_dir(asked, environ, options), kafka)


def data_dir(asked: Asked, environ: Mapping[str, str]) -> Path:
    """Return the data directory alone: no secret is resolved for it, and Kafka is not looked at."""
    if asked.data_dir is not None or environ.get(environment.DATA_DIR):
        return _data_dir(asked, environ, WorkerOptions())
    file = _file(asked, environ)
    options = file.options() if file else WorkerOptions()
    if file and file.problems:
        raise ConfigError.of(sorted(file.problems, key=_rank))
    return _data_dir(asked, environ, options)


def _file(asked: Asked, environ: Mapping[str, str]) -> WorkerFile | None:
    named = asked.worker or environ.get(environment.WORKER)
    return WorkerFile(Path(named), Providers(environ=environ)) if named else None


def _data_dir(asked: Asked, environ: Mapping[str, str], options: WorkerOptions) -> Path:
    said = asked.data_dir or environ.get(environment.DATA_DIR) or options.data_dir
    return Path(said) if said else DATA_DIR


def _kafka(options: WorkerOptions, client: Client, properties: Mapping[str, str]) -> KafkaPlace:
    return KafkaPlace(
        client=properties,
        said_by=client.said[BOOTSTRAP].place,
        offsets_topic=options.offsets_topic,
        claims_topic=options.claims_topic,
        schemas_topic=options.schemas_topic,
        transaction_timeout_ms=options.transaction_timeout_ms,
    )


def _rank(problem: ConfigError) -> tuple[int, int, str]:
    """Order by where a problem stands: the file's lines, then the environment, then the options."""
    file, _, line = problem.place.rpartition(":")
    if file and line.isdigit():
        return 0, int(line), ""
    in_environment = problem.place.startswith(environment.KAFKA)
    return 1 if in_environment else 2, 0, problem.place


def _clashes(options: WorkerOptions, file: WorkerFile | None) -> list[ConfigError]:
    """Return what is wrong between settings that are right by themselves."""
    topics = (options.offsets_topic, options.claims_topic, options.schemas_topic)
    if len(set(topics)) == len(topics) and not {".", ".."} & set(topics):
        return []
    return [
        ConfigError(
            "offsets.storage.topic, claims.storage.topic and schemas.storage.topic are three"
            f" topics, and got {', '.join(topics)}. Give each a name of its own, not . or ..",
            code="config.kafka",
            place=f"{file.path}:1" if file else "",
        )
    ]
