"""The id of a cluster: what the script makes it takes, and what it takes Kafka takes."""

from __future__ import annotations

import base64
import importlib.util
import re
import subprocess
import sys
import uuid
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.compose.stack import COMPOSE, dotenv

SCRIPT = COMPOSE / "cluster_id.py"
GOOD = "yKZ2o1V0TbW1oJ8lJmY0fA"
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("cluster_id", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


cluster_id = load()


def run(*words: str) -> subprocess.CompletedProcess[str]:
    # -I -S: nothing but the standard library is there.
    return subprocess.run(
        [sys.executable, "-I", "-S", SCRIPT, *words], capture_output=True, text=True, check=False
    )


def as_kafka_reads(text: str) -> bytes:
    """org.apache.kafka.common.Uuid.fromString: at most 24 characters that are 16 bytes."""
    assert len(text) <= 24
    found = base64.b64decode(text + "==", altchars=b"-_", validate=True)
    assert len(found) == 16
    return found


def test_a_new_id_is_one_that_the_check_takes() -> None:
    made = {run("new").stdout.strip() for _ in range(3)}
    assert len(made) == 3
    for each in made:
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{21}", each)
        assert run("check", each).returncode == 0


def test_new_ids_never_begin_with_a_dash(monkeypatch: pytest.MonkeyPatch) -> None:
    """One in 64 would."""
    dashed, plain = uuid.UUID("f8" + "0" * 30), uuid.UUID("c8a676a355744db5b5a09f252666347c")
    values = [dashed, dashed, plain]
    monkeypatch.setattr(cluster_id.uuid, "uuid4", lambda: values.pop(0))
    assert cluster_id.encode(dashed).startswith("-")
    assert cluster_id.new() == GOOD


@given(st.uuids())
def test_every_uuid_is_taken_and_read_back_or_begins_with_a_dash(value: uuid.UUID) -> None:
    text = cluster_id.encode(value)
    fault = cluster_id.fault(text)
    if value.int < 100:
        assert "first 100" in fault
    elif text.startswith("-"):
        assert "begins with `-`" in fault
    else:
        assert fault is None
    assert cluster_id.decode(text) == value


@given(
    st.text(ALPHABET, min_size=20, max_size=24)
    | st.text(f"{ALPHABET}+/= ", max_size=40)
    | st.text(max_size=30)
)
def test_what_is_taken_is_16_bytes_for_kafka_and_whatever_else_has_its_fault_named(
    text: str,
) -> None:
    fault = cluster_id.fault(text)
    if fault is None:
        assert cluster_id.encode(uuid.UUID(bytes=as_kafka_reads(text))) == text
    else:
        assert len(fault) > 20


@given(st.uuids().filter(lambda value: value.int >= 100), st.integers(0, 21), st.data())
def test_no_character_may_be_lost_doubled_or_strange(
    value: uuid.UUID, at: int, data: st.DataObject
) -> None:
    text = cluster_id.encode(value)
    strange = data.draw(st.sampled_from("!.:,;~é가"))
    assert cluster_id.fault(text[:at] + text[at + 1 :])
    assert cluster_id.fault(text[:at] + text[at] + text[at:])
    assert repr(strange) in cluster_id.fault(text[:at] + strange + text[at + 1 :])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("c3dpbGlnaHQtNGZjMy05MTk5LTllMGY", "31 characters"),
        ("eAJw2DkAQsSlgxm92vgA6Q==", "padding"),
        ("eAJw2DkA/sSlgxm92v+A6Q", "Write eAJw2DkA_sSlgxm92v-A6Q"),
        ("eAJw2DkAQsSlgxm92vgA6R", "Write eAJw2DkAQsSlgxm92vgA6Q"),
        ("c8a676a3-5574-4db5-b5a0-9f252666347c", f"In base64 it is {GOOD}"),
        ("c8a676a355744db5b5a09f252666347c", f"In base64 it is {GOOD}"),
        (f"{GOOD}\n", f"Write {GOOD!r}"),
        ("-KZ2o1V0TbW1oJ8lJmY0fA", "option"),
        ("AAAAAAAAAAAAAAAAAAAAAQ", "for itself"),
        ("abc", "3 characters"),
    ],
)
def test_a_bad_id_is_refused_with_its_fault_and_its_cure(text: str, says: str) -> None:
    done = run("check", text)
    assert done.returncode == 2 and not done.stdout
    assert says in done.stderr and "Traceback" not in done.stderr


def test_the_id_that_the_cluster_has_is_valid() -> None:
    done = run("check", dotenv()["CLUSTER_ID"])
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("words", [(), ("check",), ("make",), ("new", "more")])
def test_other_words_are_answered_with_how_it_is_used(words: tuple[str, ...]) -> None:
    done = run(*words)
    assert done.returncode == 2 and "Usage: cluster_id.py new" in done.stderr
