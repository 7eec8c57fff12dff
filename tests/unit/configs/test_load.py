from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors_core.api.errors import ConfigError
from connectors_core.configs.load import again, load
from connectors_core.configs.providers import Providers
from connectors_core.discovery import Catalogue

HEAD = "connector.class: quotes\n"


def test_a_file_becomes_a_connector_with_the_name_of_the_file(good: Any) -> None:
    made = good(HEAD + "symbols: [KRW-BTC, 'no']\ncommit.linger.ms: 30s\nsize: 2MiB\n")
    assert made.name == "quotes"
    assert made.source.name == "quotes"
    assert made.config.symbols == ["KRW-BTC", "no"]
    assert made.config.size == 2 << 20
    assert made.options.commit_linger_ms == 30_000
    assert made.key_converter.name == made.value_converter.name == "avro"


def test_nested_and_dotted_files_mean_the_same(good: Any) -> None:
    nested = good(
        """
        connector: {class: quotes}
        tasks: {max: 2}
        errors: {tolerance: all, deadletterqueue: {topic.name: bad}}
        topic: {creation: {default: {partitions: 3, cleanup.policy: compact}}}
        topics: {gaps: lost}
        client: {retry_max: 5}
        value: {converter: json, converter.numbers: decimal}
        """
    )
    dotted = good(
        """
        connector.class: quotes
        tasks.max: 2
        errors.tolerance: all
        errors.deadletterqueue.topic.name: bad
        topic.creation.default.partitions: 3
        topic.creation.default.cleanup.policy: compact
        topics.gaps: lost
        client.retry_max: 5
        value.converter: json
        value.converter.numbers: decimal
        """
    )
    assert nested == dotted
    assert nested.options.tasks_max == 2
    assert nested.options.dead_letter_topic == "bad"
    assert nested.options.topic_creation == {
        "default": {"partitions": 3, "cleanup.policy": "compact"}
    }
    assert nested.config.client.retry_max == 5
    assert nested.value_converter.config.numbers == "decimal"


def test_the_users_own_names_keep_their_dots(good: Any) -> None:
    made = good(
        HEAD + "headers: {X.Trace: a}\nheaders.Accept.It: b\nhosts: {example.com: {retry_max: 7}}\n"
    )
    assert made.config.headers == {"X.Trace": "a", "Accept.It": "b"}
    assert made.config.hosts["example.com"].retry_max == 7


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "symbols: 005930",
            'symbols: must be a list of text, got 5930 (a number). Write "005930" in quotes.',
        ),
        (
            "symbols: [KRW-BTC, 005930]",
            'symbols: must be a list of text, got 5930 (a number). Write "005930" in quotes.',
        ),
        ("symbols: abc", 'symbols: must be a list of text, got "abc" (text). Write ["abc"].'),
        ("market: spt", 'market: must be "spot" or "futures", got "spt" (text).'),
        ("partitions: 0", "partitions: must be at least 1, got 0 (a number)."),
        ("partitions: 101", "partitions: must be at most 100, got 101 (a number)."),
        (
            'partitions: "5"',
            'partitions: must be a whole number, got "5" (text). Write 5 without quotes.',
        ),
        ("partitions: 1.0", "partitions: must be a whole number, got 1.0 (a number)."),
        ("partitions: true", "partitions: must be a whole number, got true (a truth value)."),
        ("live: yes", 'live: must be true or false, got "yes" (text). Write true.'),
        ("live: off", 'live: must be true or false, got "off" (text). Write false.'),
        ("live:", "live: has no value. It takes true or false."),
        ("rate: fast", 'rate: must be a number, got "fast" (text).'),
        ("code: 0x1F", 'code: must be text, got 31 (a number). Write "0x1F" in quotes.'),
        ("code: A", 'code: must be text that matches ^[a-z]*$, got "A" (text).'),
        ("code: ''", 'code: must have at least 1 characters, got "" (text).'),
        ("client: 5", "client: must be a map of options, got 5 (a number)."),
        ("headers: {a: 1}", 'headers.a: must be text, got 1 (a number). Write "1" in quotes.'),
        ("either: [1]", "either: must be a whole number or text, got a list of 1 item."),
        ("url: ftp://a", "url: ftp://a is no address of the web."),
        ("token: 12345", "token: must be text, got a number."),
        ("symbol: [a]", "symbol: unknown option. Did you mean symbols?"),
        ("task.max: 2", "task.max: unknown option. Did you mean tasks.max?"),
        ("tasks_max: 2", "tasks_max: unknown option. Did you mean tasks.max?"),
        ("errors: {tolerence: all}", "errors.tolerence: unknown option. Did you mean errors.tol"),
        (
            "client: {retry: 2}",
            "client.retry: unknown option. Did you mean retry_max?",
        ),
        ("zzzzz: 1", "zzzzz: unknown option. `pyconnect plugins show quotes` lists what there is."),
        ("tasks.max: many", 'tasks.max: must be a whole number, got "many" (text).'),
        ("errors.tolerance: some", 'errors.tolerance: must be "none" or "all", got "some" (text).'),
        (
            "commit.linger.ms: soon",
            "commit.linger.ms: must be a whole number of milliseconds or a time such as 30s, got",
        ),
        ("topic: a b", "topic: must be a name of 1 to 249 of the characters A-Z a-z 0-9 . _ -"),
        ("name: ../x", "name: must be a name of 1 to 249 of the characters"),
        ("name: ..", "name: can't be . or .."),
        ("topics.gap: x", "topics.gap: the source has no such topic. Did you mean gaps?"),
        ("topics: {gaps: 5}", "topics.gaps: must be a name of 1 to 249"),
        ("value.converter: avrro", "value.converter: there is no converter 'avrro'. Did you mean"),
        ("value.converter.x: 1", "value.converter.x: the converter avro takes no options."),
        ("topics: 5", "topics: must be a map"),
        ("topics: [gaps]", "topics: must be a map"),
        ("topic.creation: 5", "topic.creation: must be a map"),
        ("topic.creation: [a]", "topic.creation: must be a map"),
        (
            "topic.creation.default.partitons: 3",
            "topic.creation.default.partitons: there is no such setting. Did you mean partitions?",
        ),
        ("topic.creation.default.retention-ms: 3", "topic.creation.default.retention-ms: there is"),
        ("topic.creation.default.partitions: 0", "topic.creation.default.partitions: must be a"),
        ("topic.creation.a.include: '['", "topic.creation.a.include: '[' is no regular expression"),
        ("topic.creation.a.partitions: 3", "topic.creation.a: no topic is of it without include"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_cure(bad: Any, line: str, said: str) -> None:
    problems = bad(f"{HEAD}# a comment\n{line}\n")
    assert len(problems) == 1, problems
    assert problems[0].startswith(f"quotes.yaml:3: {said}"), problems


@pytest.mark.parametrize(
    "line",
    ["topics: {}", "topic.creation: {}", "topic.creation.default.confluent.tier.enable: true"],
)
def test_what_says_nothing_and_what_other_brokers_have_is_taken(good: Any, line: str) -> None:
    good(f"{HEAD}{line}\n")


def test_all_mistakes_of_all_files_are_told_at_once_in_order(
    write: Callable[..., Path], catalogue: Catalogue, tmp_path: Path
) -> None:
    first = write("partitions: 0\nconnector.class: quotes\nlive: 1\nfoo: 2\n", "a.yaml")
    second = write("a: [1\n", "b.yaml")
    third = write("connector.class: quots\ntask.max: 1\n", "c.yaml")
    with pytest.raises(ConfigError) as caught:
        load([first, second, third, tmp_path / "d.yaml"], catalogue)
    places = [each.place.rpartition("/")[2] for each in caught.value.problems]
    assert places == [
        "a.yaml:1",
        "a.yaml:3",
        "a.yaml:4",
        "b.yaml:2",
        "c.yaml:1",
        "c.yaml:2",
        "d.yaml",
    ]
    assert len(str(caught.value).splitlines()) == 7
    assert "there is no source 'quots'. Did you mean quotes?" in str(caught.value)
    assert caught.value.exit_code == 2


def test_one_mistake_spoils_every_file(write: Callable[..., Path], catalogue: Catalogue) -> None:
    with pytest.raises(ConfigError):
        load([write(HEAD, "a.yaml"), write(HEAD + "x: 1", "b.yaml")], catalogue)


def test_a_name_in_two_files_names_both(write: Callable[..., Path], catalogue: Catalogue) -> None:
    one, two = write(HEAD + "name: same", "one.yaml"), write("name: same\n" + HEAD, "two.yaml")
    with pytest.raises(ConfigError) as caught:
        load([one, two], catalogue)
    assert str(caught.value).startswith(f"{two}:1: name: 'same' is also the name of {one}:2.")


def test_a_file_given_twice_is_refused(write: Callable[..., Path], catalogue: Catalogue) -> None:
    path = write(HEAD)
    with pytest.raises(ConfigError, match="this file is given twice"):
        load([path, path], catalogue)


def test_no_file_at_all_is_refused(catalogue: Catalogue) -> None:
    with pytest.raises(ConfigError, match="no connector file given"):
        load([], catalogue)


def test_a_required_option_is_told_at_the_plugin(bad: Any) -> None:
    assert bad("\nconnector.class: needs\n") == ["quotes.yaml:2: path: is required. It takes text."]


def test_a_missing_plugin_is_told(bad: Any) -> None:
    assert bad("tasks.max: 1\n") == [
        "quotes.yaml:1: connector.class: is required. It takes the name of a plugin."
    ]


def test_a_plugins_option_with_a_framework_name_names_both(bad: Any) -> None:
    problems = bad("connector.class: taken\n")
    assert [("TakenConfig.topic" in each, "TakenConfig.errors" in each) for each in problems] == [
        (True, False),
        (False, True),
    ]
    assert all("the plugin taken" in each for each in problems)


def test_the_same_option_in_both_notations_names_both_lines(bad: Any) -> None:
    assert bad("connector.class: quotes\ntasks: {max: 1}\n\ntasks.max: 2\n") == [
        "quotes.yaml:4: tasks.max: already given in line 2: keep one"
    ]
    assert bad("connector.class: quotes\nclient: {retry_max: 1}\nclient.retry_max: 2\n") == [
        "quotes.yaml:3: retry_max: already given in line 2: keep one"
    ]


def test_transforms_as_a_list_of_one_key_maps(good: Any) -> None:
    made = good(
        HEAD
        + """
transforms:
  - mask: {fields: [a], predicate: is-a, negate: true}
  - flatten
  - mask: {renames: {x.y: z}}
predicates:
  - is-a: {type: topic-name-matches, pattern: a.*}
"""
    )
    assert [each.alias for each in made.transforms] == ["mask", "flatten", "mask-2"]
    assert made.options.transforms == ["mask", "flatten", "mask-2"]
    assert [each.transform.name for each in made.transforms] == ["mask", "flatten", "mask"]
    assert made.transforms[0].negate
    assert made.transforms[0].predicate.config.pattern == "a.*"
    assert made.transforms[2].config.renames == {"x.y": "z"}
    assert made.transforms[2].predicate is None


@pytest.mark.parametrize(
    "text",
    [
        (
            "transforms: b,a\ntransforms.a.type: mask\ntransforms.a.fields: [x]\n"
            "transforms.a.renames.x.y: z\ntransforms.b.type: flatten\n"
        ),
        "transforms:\n  b: {type: flatten}\n  a: {type: mask, fields: [x], renames.x.y: z}\n",
        "transforms:\n- b: {type: flatten}\n- a: {type: mask, fields: [x], renames: {x.y: z}}\n",
    ],
)
def test_transforms_mean_the_same_in_every_notation(good: Any, text: str) -> None:
    made = good(HEAD + text)
    assert [each.alias for each in made.transforms] == ["b", "a"]
    assert made.transforms[1].config.fields == ["x"]
    assert made.transforms[1].config.renames == {"x.y": "z"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("transforms:\n- maks: {}\n", "4: transforms.maks.type: there is no transform 'maks'. Did"),
        ("transforms:\n- mask: {feilds: []}\n", "4: transforms.mask.feilds: unknown option. Did y"),
        ("transforms:\n- mask: {fields: 1}\n", "4: transforms.mask.fields: must be a list of text"),
        ("transforms:\n- a: {}\n  b: {}\n", "4: transforms: an item is NAME, or NAME: {its opt"),
        ("transforms: 5\n", "3: transforms: must be a list of one-key maps"),
        ("transforms.x: 5\n", "3: transforms.x: must be a map."),
        (
            "transforms: flatten\ntransforms.b.type: mask\n",
            "4: transforms.b: is not listed in tran",
        ),
        (
            "transforms:\n- flatten: {predicate: p}\n",
            "4: transforms.flatten.predicate: there is no",
        ),
        ("transforms:\n- flatten: {negate: true}\n", "4: transforms.flatten.negate: negates no"),
        ("predicates:\n- topic-name-matches: {x: 1}\n", "4: predicates.topic-name-matches.x: unkn"),
    ],
)
def test_a_mistake_in_a_transform_is_told(bad: Any, text: str, said: str) -> None:
    problems = bad(HEAD + "\n" + text)
    assert problems[0].startswith(f"quotes.yaml:{said}"), problems


def test_topic_groups_are_tried_in_their_order_and_default_last(good: Any) -> None:
    made = good(
        HEAD
        + """
topic.creation.groups: b, a
topic.creation.default.replication.factor: -1
topic.creation.a.include: x.*, y
topic.creation.a.retention.ms: 86400000
topic.creation.b.include: [z]
topic.creation.b.partitions: 4
"""
    )
    assert list(made.options.topic_creation) == ["b", "a", "default"]
    assert made.options.topic_creation["a"] == {"include": ["x.*", "y"], "retention.ms": "86400000"}


def test_what_a_provider_gives_whole_may_become_a_number(good: Any) -> None:
    made = good(
        HEAD + "partitions: ${env:N}\nlive: ${env:L}\ncode: ${env:C}\neither: ${env:N}\n",
        N="7",
        L="false",
        C="abc",
    )
    assert (made.config.partitions, made.config.live, made.config.code) == (7, False, "abc")
    assert made.config.either == "7"


def test_what_a_provider_gives_in_part_stays_text(bad: Any) -> None:
    assert bad(HEAD + "partitions: 1${env:N}\n", N="7") == [
        "quotes.yaml:2: partitions: must be a whole number, got what 1${env:N} gives."
    ]


def test_a_number_that_does_not_help_is_told_once(bad: Any) -> None:
    assert bad(HEAD + "code: ${env:C}\npartitions: ${env:N}\n", C="12", N="900") == [
        "quotes.yaml:2: code: must be text that matches ^[a-z]*$, got what ${env:C} gives.",
        "quotes.yaml:3: partitions: must be a whole number, got what ${env:N} gives.",
    ]


SECRET = "s3cr3t-canary-3481"


@pytest.mark.parametrize(
    "line",
    [
        "url: ${env:S}",
        "url: x${env:S}y",
        "market: ${env:S}",
        "partitions: ${env:S}",
        "symbols: ${env:S}",
        "client: {timeout: ${env:S}}",
        "headers: {a: {b: '${env:S}'}}",
        "tasks.max: ${env:S}",
        "topic: ' ${env:S}'",
        "name: ' ${env:S}'",
        "transforms: [{mask: {fields: '${env:S}'}}]",
        f"token: [{SECRET}]",
        f"token: {{a: {SECRET}}}",
    ],
)
def test_a_secret_is_in_no_error(bad: Any, line: str) -> None:
    problems = bad(HEAD + line + "\n", S=SECRET)
    assert problems
    assert SECRET not in "".join(problems)


def test_a_secret_is_in_no_cause_of_an_error(
    write: Callable[..., Path], catalogue: Catalogue
) -> None:
    path = write(HEAD + "url: ${env:S}\npartitions: ${env:S}\n")
    with pytest.raises(ConfigError) as caught:
        load([path], catalogue, Providers(environ={"S": SECRET}))
    for each in (caught.value, *caught.value.problems):
        assert each.__cause__ is None
        assert each.__context__ is None


def test_a_secret_is_in_no_repr(good: Any) -> None:
    made = good(HEAD + "url: http://${env:S}@a\ntoken: ${env:S}\n", S=SECRET)
    assert made.config.token.get_secret_value() == SECRET
    assert SECRET not in repr(made)
    assert SECRET not in repr(made.raw)


def test_a_restart_resolves_secrets_anew(good: Any, catalogue: Catalogue) -> None:
    made = good(HEAD + "token: ${env:S}\n", S="old")
    new: Any = again(made, catalogue, providers=Providers(environ={"S": "new"}))
    assert made.config.token.get_secret_value() == "old"
    assert new.config.token.get_secret_value() == "new"
    with pytest.raises(ConfigError, match=r"quotes.yaml:2: token: the environment variable S is"):
        again(made, catalogue, providers=Providers(environ={}))


def test_an_overlay_takes_the_place_of_options(good: Any, catalogue: Catalogue) -> None:
    made = good(HEAD + "client.retry_max: 5\ncode: abc\ntoken: ${env:S}\n", S="x")
    laid = {"client": {"timeout": 5}, "token": "fake"}
    new: Any = again(made, catalogue, overlay=laid, providers=Providers(environ={}))
    assert (new.config.client.retry_max, new.config.client.timeout) == (3, 5)
    assert (new.config.code, new.config.token.get_secret_value()) == ("abc", "fake")


def test_the_playground_needs_no_secrets(write: Callable[..., Path], catalogue: Catalogue) -> None:
    path = write(HEAD + "token: ${env:NOT_SET}\ncode: ${file:/not/there}\n")
    (made,) = load([path], catalogue, Providers(environ={}, absent="playground"))
    assert made.config.code == "playground"  # type: ignore[attr-defined]


def test_decimals_are_exact_from_text(good: Any) -> None:
    assert good(HEAD + "tick: '0.10000000000000000001'\n").config.tick == Decimal(
        "0.10000000000000000001"
    )


def test_a_stem_that_is_no_name_asks_for_one(
    write: Callable[..., Path], catalogue: Catalogue
) -> None:
    with pytest.raises(ConfigError, match=r":1: name: must be a name of 1 to 249"):
        load([write(HEAD, "시세 뉴스.yaml")], catalogue)
    (made,) = load([write(HEAD + "name: news", "시세 뉴스.yaml")], catalogue)
    assert made.name == "news"


def test_many_files_are_all_loaded_in_their_order(
    write: Callable[..., Path], catalogue: Catalogue
) -> None:
    paths = [write(HEAD + f"symbols: [S{n}]\n", f"c{n}.yaml") for n in range(100)]
    assert [each.name for each in load(paths, catalogue)] == [f"c{n}" for n in range(100)]
