"""On which line of a TOML file each key, table and element stands, which tomllib does not say.

For text that tomllib has read already: what is no TOML has been refused there, so nothing is checked here.
"""

import re
import tomllib
from collections.abc import Mapping

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:[^\\]|\\[\s\S])*?"{3,5}'  # a quote or two may stand right before the closing three
    r"|'''[\s\S]*?'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
)
_PLAIN = re.compile(r"[^,\]}#\r\n]+")  # a number, a date, true or false


def lines(text: str) -> dict[Path, int]:
    """By the path to it: `("metrics", 0, "low")`, `("families", 1, "parts", 0, "en")`."""
    scan = _Scan(text)
    scan.document()
    return scan.found


def nearest(found: Mapping[Path, int], path: Path) -> int:
    """The line of `path`, or of the innermost thing around it that stands in the file; 1 for the file itself."""
    while path and path not in found:
        path = path[:-1]
    return found.get(path, 1)


class _Scan:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.found: dict[Path, int] = {}
        self._counts: dict[Path, int] = {}  # of the arrays of tables, how many there are so far
        self._line, self._counted = 1, 0

    def document(self) -> None:
        inside: Path = ()
        while self._skip(_BLANK) < len(self.text):
            if self._peek() == "[":
                inside = self._header()
            else:
                self._pair(inside)

    def _header(self) -> Path:
        many = self.text.startswith("[[", self.at)
        line = self._here()
        self.at += 2 if many else 1
        *outer, last = self._key()
        self.at += 2 if many else 1
        path: Path = ()
        for name in outer:
            self.found.setdefault((*path, name), line)
            path = self._newest((*path, name))
        path = (*path, last)
        if many:
            self._counts[path] = self._counts.get(path, 0) + 1
            self.found.setdefault(path, line)
            path = self._newest(path)
        self.found.setdefault(path, line)
        return path

    def _newest(self, path: Path) -> Path:
        return (*path, self._counts[path] - 1) if path in self._counts else path

    def _pair(self, inside: Path) -> None:
        line = self._here()
        path = inside
        for name in self._key():
            path = (*path, name)
            self.found.setdefault(path, line)
        self._skip(_SPACE)
        self.at += 1  # the sign between key and value
        self._skip(_SPACE)
        self._value(path)

    def _key(self) -> list[str]:
        """The parts of a dotted key, up to what comes behind it."""
        names = []
        while True:
            self._skip(_SPACE)
            if self._peek() in ("'", '"'):
                names.append(tomllib.loads(f"key = {self._string()}")["key"])
            else:
                start = self.at
                names.append(self.text[start : self._skip(_BARE_KEY)])
            self._skip(_SPACE)
            if self._peek() != ".":
                return names
            self.at += 1

    def _value(self, path: Path) -> None:
        if self._peek() in ("'", '"'):
            self._string()
        elif self._peek() == "[":
            self._array(path)
        elif self._peek() == "{":
            self._inline_table(path)
        else:
            self._skip(_PLAIN)

    def _array(self, path: Path) -> None:
        self.at += 1
        count = 0
        while True:
            self._skip(_BLANK)
            if self._peek() == "]":
                break
            self.found[(*path, count)] = self._here()
            self._value((*path, count))
            count += 1
            self._skip(_BLANK)
            if self._peek() == ",":
                self.at += 1
        self.at += 1

    def _inline_table(self, path: Path) -> None:
        self.at += 1
        while True:
            self._skip(_BLANK)
            if self._peek() == "}":
                break
            self._pair(path)
            self._skip(_BLANK)
            if self._peek() == ",":
                self.at += 1
        self.at += 1

    def _string(self) -> str:
        start = self.at
        return self.text[start : self._skip(_STRING)]

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _skip(self, what: re.Pattern[str]) -> int:
        """Where it ends, which is where to go on."""
        match = what.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.at

    def _here(self) -> int:
        self._line += self.text.count("\n", self._counted, self.at)
        self._counted = self.at
        return self._line
