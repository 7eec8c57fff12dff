from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, create_model

from connectors_core.configs.notation import Problems, aliases, flat, nested, separate
from connectors_core.configs.tree import List, Map, Mark

# A busy machine makes slow inputs, not wrong ones.
quiet = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
AT = Mark(3, 1, 3, 5)
names = st.text("abcde_", min_size=1, max_size=4)
scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
trees = st.dictionaries(
    names,
    st.recursive(
        scalars, lambda inner: st.dictionaries(names, inner, min_size=1, max_size=3), max_leaves=9
    ),
    max_size=5,
)


def as_map(value: Any) -> Any:
    """Return plain values as a file would give them."""
    if isinstance(value, list):
        items = List()
        for item in value:
            items.add(as_map(item), AT)
        return items
    if not isinstance(value, dict):
        return value
    made = Map()
    for key, inner in value.items():
        made.put(key, as_map(inner), AT)
    return made


def model_of(tree: dict[str, Any]) -> type[BaseModel]:
    """Return a model that has just the options of a tree."""
    fields: dict[str, Any] = {
        # An alias, since pydantic takes no field name with an underscore in front.
        f"f{n}": (model_of(value) if isinstance(value, dict) else Any, _aliased(name))
        for n, (name, value) in enumerate(tree.items())
    }
    made: type[BaseModel] = create_model("Made", **fields)
    return made


def _aliased(name: str) -> Any:
    from pydantic import Field

    return Field(None, alias=name)


@quiet
@given(trees)
def test_flat_of_nested_gives_back_what_was_flat(tree: dict[str, Any]) -> None:
    dotted = flat(tree)
    problems = Problems("f")
    made = nested(as_map(dotted), model_of(tree), problems)
    assert not problems.found
    assert made == tree
    assert flat(made) == dotted


@quiet
@given(trees)
def test_what_is_nested_already_stays_as_it_is(tree: dict[str, Any]) -> None:
    problems = Problems("f")
    assert nested(as_map(tree), model_of(tree), problems) == tree
    assert not problems.found


@quiet
@given(trees, st.data())
def test_a_mixture_of_both_means_the_same(tree: dict[str, Any], data: st.DataObject) -> None:
    def mixed(value: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
        for key, inner in value.items():
            if isinstance(inner, dict) and data.draw(st.booleans()):
                yield from mixed(inner, f"{prefix}{key}.")
            else:
                yield f"{prefix}{key}", inner

    problems = Problems("f")
    made = nested(as_map(dict(mixed(tree, ""))), model_of(tree), problems)
    assert made == tree
    assert not problems.found


def _nest(dotted: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in dotted.items():
        *above, last = name.split(".")
        into = made
        for step in above:
            into = into.setdefault(step, {})
        into[last] = value
    return made


@quiet
@given(st.dictionaries(st.sampled_from(sorted(aliases() - {"topic"})), st.integers()))
def test_every_framework_option_is_known_in_both_notations(dotted: dict[str, int]) -> None:
    # An option that is a group of others too (key.converter) can't be nested beside them.
    alone = {name: value for name, value in dotted.items() if not _is_prefix(name, dotted)}
    problems = Problems("f")
    assert separate(as_map(alone), problems) == (alone, {})
    assert separate(as_map(_nest(alone)), problems) == (alone, {})
    assert not problems.found


def _is_prefix(name: str, others: dict[str, int]) -> bool:
    return any(other.startswith(f"{name}.") for other in others)


def test_what_is_not_the_frameworks_is_the_plugins() -> None:
    raw = as_map(
        {"tasks.max": 1, "key": "secret", "partitions": 3, "client.a": 1, "topic": "t", "x": {}}
    )
    framework, plugin = separate(raw, Problems("f"))
    assert framework == {"tasks.max": 1, "topic": "t"}
    assert plugin == {"key": "secret", "partitions": 3, "client.a": 1, "x": {}}


def test_a_name_and_its_group_stand_side_by_side() -> None:
    raw = as_map({"topic": "t", "topic.creation": {"default": {"partitions": 1}}})
    framework, _ = separate(raw, Problems("f"))
    assert framework == {"topic": "t", "topic.creation.default.partitions": 1}


def test_a_clash_of_a_value_and_a_map_is_told() -> None:
    class Inner(BaseModel):
        b: int = 0

    class Outer(BaseModel):
        a: Inner = Inner()

    problems = Problems("f.yaml")
    nested(as_map({"a": 1, "a.b": 2}), Outer, problems)
    assert [str(each) for each in problems.found] == [
        "f.yaml:3: a: already given in line 3: keep one"
    ]


def test_dotted_names_inside_lists_become_maps() -> None:
    class Inner(BaseModel):
        b: int = 0

    class Outer(BaseModel):
        inner: Inner = Inner()

    class Top(BaseModel):
        items: list[Outer] = []

    made = nested(as_map({"items": [{"inner.b": 1}]}), Top, Problems("f"))
    assert made == {"items": [{"inner": {"b": 1}}]}


def test_a_model_that_holds_itself_is_no_trap() -> None:
    class Loop(BaseModel):
        a: Loop | None = None

    problems = Problems("f")
    made = nested(as_map({"a." * 5000 + "a": 1}), Loop, problems)
    assert list(made) == ["a." * 5000 + "a"]
