"""The character encoding of a page: byte order mark, then HTTP, then `<meta>`, then UTF-8.

Labels and their meaning are those of the WHATWG Encoding Standard (4.2): `euc-kr` is windows-949,
`iso-8859-1` is windows-1252, `gb2312` is GB18030.
"""

from __future__ import annotations

import codecs
import re

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xfe\xff", "utf-16-be"), (b"\xff\xfe", "utf-16-le"))
_PRESCAN = 4096
_META = re.compile(
    rb"<meta\b[^>]{0,1000}?charset\s*=\s*[\"']?\s*([a-zA-Z0-9_:.\-]{1,40})", re.IGNORECASE
)
_PARAMETER = re.compile(r"charset\s*=\s*[\"']?\s*([a-zA-Z0-9_:.\-]{1,40})", re.IGNORECASE)
_HANGUL_SHARE = 0.9

_LABELS = {
    "utf-8": "utf-8 utf8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8",
    "cp949": "euc-kr euckr cseuckr csksc56011987 iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989"
    " ksc5601 ksc_5601 windows-949 cp949 ms949 uhc",
    "cp932": "shift_jis shift-jis sjis x-sjis ms_kanji ms932 windows-31j csshiftjis",
    "euc_jp": "euc-jp eucjp x-euc-jp cseucpkdfmtjapanese",
    "iso2022_jp": "iso-2022-jp csiso2022jp",
    "gb18030": "gb18030 gbk gb2312 gb_2312 gb_2312-80 x-gbk chinese csgb2312 csiso58gb231280"
    " iso-ir-58",
    "big5hkscs": "big5 big5-hkscs cn-big5 csbig5 x-x-big5",
    "cp1252": "windows-1252 cp1252 x-cp1252 iso-8859-1 iso8859-1 iso88591 iso_8859-1 latin1 l1"
    " ascii us-ascii ansi_x3.4-1968 cp819 ibm819 csisolatin1 iso-ir-100",
    "cp1254": "windows-1254 cp1254 x-cp1254 iso-8859-9 iso8859-9 iso_8859-9 latin5 l5 csisolatin5",
    "cp874": "windows-874 tis-620 iso-8859-11 iso8859-11 dos-874",
    "koi8_r": "koi8-r koi koi8 koi8_r cskoi8r",
    "koi8_u": "koi8-u koi8-ru",
    "mac_roman": "macintosh mac x-mac-roman csmacintosh",
    "mac_cyrillic": "x-mac-cyrillic x-mac-ukrainian",
    "cp866": "ibm866 866 cp866 csibm866",
    "iso8859_8": "iso-8859-8 iso8859-8 hebrew visual iso-8859-8-i logical csisolatinhebrew",
    "utf-16-le": "utf-16 utf-16le unicode ucs-2 csunicode unicodefeff iso-10646-ucs-2",
    "utf-16-be": "utf-16be unicodefffe",
}
_CODECS = {label: codec for codec, labels in _LABELS.items() for label in labels.split()}
for _n in (1250, 1251, 1253, 1255, 1256, 1257, 1258):
    _CODECS |= dict.fromkeys((f"windows-{_n}", f"cp{_n}", f"x-cp{_n}"), f"cp{_n}")
for _n in (2, 3, 4, 5, 6, 7, 10, 13, 14, 15, 16):
    _CODECS |= dict.fromkeys((f"iso-8859-{_n}", f"iso8859-{_n}", f"iso_8859-{_n}"), f"iso8859_{_n}")


def codec_of(label: str) -> str | None:
    """Return the Python codec of a WHATWG label, None if there is no such label."""
    return _CODECS.get(label.strip().lower())


def decode(body: bytes, content_type: str = "") -> tuple[str, str]:
    """Return the text and the codec that was used; what does not fit becomes U+FFFD."""
    for mark, codec in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(codec, "replace"), codec
    codec = _declared(content_type) or _in_meta(body) or _guessed(body)
    return body.decode(codec, "replace"), codec


def _declared(content_type: str) -> str | None:
    found = _PARAMETER.search(content_type)
    return codec_of(found[1]) if found else None


def _in_meta(body: bytes) -> str | None:
    """Return what the page says of itself; a page that can be read as ASCII is not UTF-16."""
    found = _META.search(body, 0, _PRESCAN)
    codec = codec_of(found[1].decode("ascii")) if found else None
    return "utf-8" if codec in {"utf-16-le", "utf-16-be"} else codec


def _guessed(body: bytes) -> str:
    """Return UTF-8; only what can't be UTF-8 and reads as Korean throughout is taken as such."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(body)  # a cut at the end is no error
    except UnicodeDecodeError:
        text = body.decode("cp949", "replace")
        foreign = [c for c in text if c > "\x7f"]
        hangul = sum("\uac00" <= c <= "\ud7a3" for c in foreign)
        return "cp949" if hangul >= _HANGUL_SHARE * len(foreign) else "utf-8"
    return "utf-8"
