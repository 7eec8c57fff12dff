"""The properties of Kafka's client: which there are, which are pyconnect's own, which are secret.

Names and meanings are those of librdkafka's CONFIGURATION.md; a test compares them with what the
installed library lists.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

BOOTSTRAP = "bootstrap.servers"

PROPERTIES = frozenset(
    """
    acks allow.auto.create.topics api.version.fallback.ms api.version.request
    api.version.request.timeout.ms auto.commit.enable auto.commit.interval.ms auto.offset.reset
    batch.num.messages batch.size bootstrap.servers broker.address.family broker.address.ttl
    broker.version.fallback builtin.features check.crcs client.dns.lookup client.id client.rack
    compression.codec compression.level compression.type connections.max.idle.ms
    consume.callback.max.messages coordinator.query.interval.ms debug delivery.report.only.error
    delivery.timeout.ms enable.auto.commit enable.auto.offset.store enable.gapless.guarantee
    enable.idempotence enable.metrics.push enable.partition.eof enable.random.seed
    enable.sasl.oauthbearer.unsecure.jwt enable.ssl.certificate.verification enabled_events
    fetch.error.backoff.ms fetch.max.bytes fetch.message.max.bytes fetch.min.bytes
    fetch.queue.backoff.ms fetch.wait.max.ms group.id group.instance.id group.protocol
    group.protocol.type group.remote.assignor heartbeat.interval.ms https.ca.location https.ca.pem
    internal.termination.signal isolation.level linger.ms log.connection.close log.queue
    log.thread.name log_level max.in.flight max.in.flight.requests.per.connection
    max.partition.fetch.bytes max.poll.interval.ms max.poll.records message.copy.max.bytes
    message.max.bytes message.send.max.retries message.timeout.ms metadata.broker.list
    metadata.max.age.ms metadata.recovery.rebootstrap.trigger.ms metadata.recovery.strategy
    offset.store.method offset.store.path offset.store.sync.interval.ms
    partition.assignment.strategy partitioner plugin.library.paths produce.offset.report
    queue.buffering.backpressure.threshold queue.buffering.max.kbytes queue.buffering.max.messages
    queue.buffering.max.ms queued.max.messages.kbytes queued.min.messages queuing.strategy
    receive.message.max.bytes reconnect.backoff.jitter.ms reconnect.backoff.max.ms
    reconnect.backoff.ms request.required.acks request.timeout.ms retries retry.backoff.max.ms
    retry.backoff.ms sasl.kerberos.keytab sasl.kerberos.kinit.cmd
    sasl.kerberos.min.time.before.relogin sasl.kerberos.principal sasl.kerberos.service.name
    sasl.mechanism sasl.mechanisms sasl.oauthbearer.assertion.algorithm
    sasl.oauthbearer.assertion.claim.aud sasl.oauthbearer.assertion.claim.exp.seconds
    sasl.oauthbearer.assertion.claim.iss sasl.oauthbearer.assertion.claim.jti.include
    sasl.oauthbearer.assertion.claim.nbf.seconds sasl.oauthbearer.assertion.claim.sub
    sasl.oauthbearer.assertion.file sasl.oauthbearer.assertion.jwt.template.file
    sasl.oauthbearer.assertion.private.key.file sasl.oauthbearer.assertion.private.key.passphrase
    sasl.oauthbearer.assertion.private.key.pem sasl.oauthbearer.client.credentials.client.id
    sasl.oauthbearer.client.credentials.client.secret sasl.oauthbearer.client.id
    sasl.oauthbearer.client.secret sasl.oauthbearer.config sasl.oauthbearer.extensions
    sasl.oauthbearer.grant.type sasl.oauthbearer.metadata.authentication.type
    sasl.oauthbearer.method sasl.oauthbearer.scope sasl.oauthbearer.sub.claim.name
    sasl.oauthbearer.token.endpoint.url sasl.password sasl.username security.protocol
    session.timeout.ms share.acknowledgement.mode socket.blocking.max.ms
    socket.connection.setup.timeout.ms socket.keepalive.enable socket.max.fails
    socket.nagle.disable socket.receive.buffer.bytes socket.send.buffer.bytes socket.timeout.ms
    ssl.ca.certificate.stores ssl.ca.location ssl.ca.pem ssl.certificate.location
    ssl.certificate.pem ssl.cipher.suites ssl.crl.location ssl.curves.list
    ssl.endpoint.identification.algorithm ssl.engine.id ssl.engine.location ssl.key.location
    ssl.key.password ssl.key.pem ssl.keystore.location ssl.keystore.password ssl.providers
    ssl.sigalgs.list statistics.interval.ms sticky.partitioning.linger.ms topic.blacklist
    topic.metadata.propagation.max.ms topic.metadata.refresh.fast.cnt
    topic.metadata.refresh.fast.interval.ms topic.metadata.refresh.interval.ms
    topic.metadata.refresh.sparse transaction.timeout.ms transactional.id
    """.split()  # noqa: SIM905 - a list of 167 lines is no easier to read
)
"""Every property that a file can write."""

ALIASES = {
    "compression.codec": "compression.type",
    "fetch.message.max.bytes": "max.partition.fetch.bytes",
    "message.timeout.ms": "delivery.timeout.ms",
    "metadata.broker.list": BOOTSTRAP,
    "queue.buffering.max.ms": "linger.ms",
    "sasl.mechanisms": "sasl.mechanism",
    "sasl.oauthbearer.client.credentials.client.id": "sasl.oauthbearer.client.id",
    "sasl.oauthbearer.client.credentials.client.secret": "sasl.oauthbearer.client.secret",
}
"""Properties with two names, and the one that is used: the other must not win by its place."""

WORDS = {
    "security.protocol": ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"),
    "sasl.mechanism": ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER", "GSSAPI"),
}
"""What some properties take; the client says so itself only of numbers."""

_SECRET_SIGNS = ("password", "secret", "passphrase", "key.pem", "oauthbearer.config")
_CODE_SIGNS = ("_cb", "interceptors", "opaque", "default_topic_conf", "msg_order_cmp", "logger")
_CODE = frozenset(
    {"ssl_ca", "ssl_certificate", "ssl_key", "ssl_engine_callback_data", "default.topic.config"}
)


def _owned() -> Iterator[tuple[str, str]]:
    """Give what nobody may set, with the reason: each is part of a guarantee."""
    guarantee = "it is part of the exactly-once guarantee, and set by pyconnect"
    for name in (
        "acks",
        "request.required.acks",
        "enable.idempotence",
        "enable.gapless.guarantee",
        "max.in.flight",
        "max.in.flight.requests.per.connection",
        "delivery.report.only.error",
        "produce.offset.report",
    ):
        yield name, guarantee
    for name in ("retries", "message.send.max.retries"):
        yield name, "a record is tried again until delivery.timeout.ms, which can be set"
    yield "transactional.id", "it is made of the connector's name, and fences its older owner"
    for name in ("partitioner", "queuing.strategy"):
        yield name, "records are placed as Java's client does, and kept in order"
    for name in (
        "isolation.level",
        "auto.offset.reset",
        "auto.commit.enable",
        "auto.commit.interval.ms",
        "enable.auto.commit",
        "enable.auto.offset.store",
        "enable.partition.eof",
        "offset.store.method",
        "offset.store.path",
        "offset.store.sync.interval.ms",
    ):
        yield name, "offsets are pyconnect's, and only what is committed is read"
    for name in (
        "group.id",
        "group.instance.id",
        "group.protocol",
        "group.protocol.type",
        "group.remote.assignor",
        "partition.assignment.strategy",
    ):
        yield name, "pyconnect reads without a consumer group's offsets"
    yield "allow.auto.create.topics", "topics are made by `topic.creation`"
    yield "test.mock.num.brokers", "a mock cluster keeps nothing"


OWNED: Mapping[str, str] = dict(_owned())
"""Properties that neither a worker nor a connector sets, each with the reason."""

JAVA = {
    "buffer.memory": "queue.buffering.max.kbytes",
    "max.request.size": "message.max.bytes",
    "sasl.jaas.config": "sasl.username and sasl.password",
    "ssl.keystore.key": "ssl.key.pem",
    "ssl.keystore.certificate.chain": "ssl.certificate.pem",
    "ssl.truststore.certificates": "ssl.ca.pem",
    "ssl.truststore.location": "ssl.ca.location",
}
"""What Java's client calls otherwise, for those who bring a file from Kafka Connect."""


def is_secret(name: str) -> bool:
    """Say whether a property's value is never shown, however it was given."""
    return any(sign in name for sign in _SECRET_SIGNS)


def is_code(name: str) -> bool:
    """Say whether a property takes a function or an object, which no file can write."""
    return name in _CODE or name.endswith(_CODE_SIGNS)
