"""What a plain scalar means: the core schema of YAML 1.2 (spec 1.2.2, section 10.3.2)."""

from __future__ import annotations

import re

Scalar = str | int | float | bool | None

_WORDS: dict[str, Scalar] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}
_FIRST = frozenset("+-.0123456789")
_INT = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
MAX_DIGITS = 1000


def scalar(text: str) -> Scalar:
    """Return the value of a plain scalar. `no`, dates and `1:30` are text.

    Raises ValueError for a number of more than 1000 digits or one too large for a float.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _FIRST:
        return text
    if _INT.fullmatch(text):
        return int(_short(text))
    if _BASED.fullmatch(text):
        return int(_short(text), 0)
    if _FLOAT.fullmatch(text):
        return _finite(float(_short(text)))
    return text


def _short(text: str) -> str:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"a number of more than {MAX_DIGITS} digits")
    return text


def _finite(number: float) -> float:
    if number in (float("inf"), float("-inf")):
        raise ValueError("a number too large to hold")
    return number


TAGS = {
    "tag:yaml.org,2002:null": (type(None),),
    "tag:yaml.org,2002:bool": (bool,),
    "tag:yaml.org,2002:int": (int,),
    "tag:yaml.org,2002:float": (int, float),
}


def tagged(tag: str, text: str) -> Scalar:
    """Return the value of a scalar with an explicit tag of the core schema.

    Raises ValueError if the text is none of it, LookupError if the tag is not of the core schema.
    """
    if tag in ("!", "tag:yaml.org,2002:str"):
        return text
    wanted = TAGS[tag]
    value = scalar(text)
    if type(value) not in wanted:
        raise ValueError(f"is not what its tag !!{tag.rpartition(':')[2]} says")
    return float(value) if tag.endswith("float") and isinstance(value, int) else value
