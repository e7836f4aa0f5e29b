r"""Regular expressions for the texts of new events, in the subset that Python and JavaScript share.

They end in `\Z`, which the OpenAPI document writes as `$`. Characters above U+FFFF stand as they
are, because each language escapes them in its own way.
"""

_CONTROLS = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff"
_LINE_BREAKS = r"\n\r\u2028\u2029"
_SPACES = r" \t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
# What Unicode lets a renderer ignore, and the empty Braille pattern.
_IGNORABLE = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# Marks on the character before them.
_COMBINING = r"\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"

_IN_LINE = rf"[^{_CONTROLS}{_LINE_BREAKS}\t]"
_VISIBLE = rf"[^{_CONTROLS}{_LINE_BREAKS}{_SPACES}{_IGNORABLE}{_COMBINING}]"
LINE_PATTERN = rf"^{_IN_LINE}*{_VISIBLE}{_IN_LINE}*\Z"
"""One line with a visible character and without control characters."""

TEXT_PATTERN = rf"^[^{_CONTROLS}]*\Z"
"""No control characters other than line feed, carriage return and tab."""

_NOT_IN_ADDRESS = r"\s\x00-\x1f\x7f<>\"\\"
# Browsers split an address at characters that NFKC makes / ? # @ or :.
_SPLITTING = (
    r"\u2047-\u2049\u2100\u2101\u2105\u2106\u2a74\ufe13\ufe16\ufe55\ufe56\ufe5f\ufe6b"
    r"\uff03\uff0f\uff1a\uff1f\uff20"
)
_NOT_IN_LABEL = rf"\s.\x00-\x20\x7f!\"#$%&'()*+,/:;<=>?@\[\\\]^`{{|}}~\u200b-\u206f{_SPLITTING}"
_LABEL = rf"[^{_NOT_IN_LABEL}]{{1,63}}"
# A last label of digits makes a host an IPv4 address, and no top-level domain begins with a digit.
_LAST_LABEL = rf"[^0-9\uff10-\uff19{_NOT_IN_LABEL}][^{_NOT_IN_LABEL}]{{0,62}}"
_NAME = rf"(?:{_LABEL}\.)*{_LAST_LABEL}\.?"
_BYTE = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IP_4 = rf"(?:{_BYTE}\.){{3}}{_BYTE}\.?"
_HEX = r"[0-9A-Fa-f]{1,4}"
_IP_6 = "|".join(
    [
        rf"(?:{_HEX}:){{7}}{_HEX}",
        *(rf"(?:{_HEX}:){{1,{7 - after}}}(?::{_HEX}){{1,{after}}}" for after in range(1, 7)),
        rf"(?:{_HEX}:){{1,7}}:",
        rf":(?::{_HEX}){{1,7}}",
        "::",
    ]
)
_PORT = (
    r"0*(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
)
WEB_ADDRESS_PATTERN = (
    rf"^[Hh][Tt][Tt][Pp][Ss]?://(?:[^/?#{_NOT_IN_ADDRESS}]*@)?"
    rf"(?:{_IP_4}|{_NAME}|\[(?:{_IP_6})\])(?::(?:{_PORT})?)?(?:[/?#][^{_NOT_IN_ADDRESS}]*)?\Z"
)
"""An http or https address with a possible host and port."""
