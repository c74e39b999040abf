# SPDX-License-Identifier: GPL-2.0-or-later
"""Reading INI files of the image builders, with an error line that says where, what and what was expected.

    [section]            or [section NAME]
    key = value          # comments and blank lines are skipped
"""
import re

from common import BuildError

SIZE = re.compile(r"(\d+)([KMGT]?)")
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


class Section:
    """One section: `kind`, `name` ("" without), `values` {key: (value, line)}."""

    def __init__(self, path, line, kind, name):
        self.path, self.line, self.kind, self.name = path, line, kind, name
        self.values = {}

    def error(self, key, expected):
        line = self.values[key][1] if key in self.values else self.line
        what = f"{key} = {self.values[key][0]}" if key in self.values else f"[{self.kind}] has no {key}"
        return BuildError(f"{self.path}:{line}: {what}: expected {expected}")

    def get(self, key, default=""):
        return self.values[key][0] if key in self.values else default

    def need(self, key, expected):
        if not self.get(key):
            raise self.error(key, expected)
        return self.get(key)

    def words(self, key):
        return self.get(key).split()

    def size(self, key, default):
        """Bytes."""
        m = SIZE.fullmatch(self.get(key, default))
        if not m:
            raise self.error(key, "a size such as 64M or 2G")
        return int(m[1]) * UNITS[m[2]]

    def choice(self, key, default, choices):
        value = self.get(key, default)
        if value not in choices:
            raise self.error(key, "one of " + ", ".join(choices))
        return value


def fail(path, line, what, expected):
    raise BuildError(f"{path}:{line}: {what}: expected {expected}")


def parse(path, kinds):
    """The sections of a file in order. kinds: {kind: allowed keys}; a kind that ends with `*` takes a name."""
    try:
        with open(path, encoding="utf-8") as f:
            lines = f.read().split("\n")
    except OSError as e:
        raise BuildError(f"{path}: {e.strerror}") from None
    except UnicodeDecodeError:
        raise BuildError(f"{path}: is not text: expected an INI file in UTF-8") from None
    sections = []
    for number, line in enumerate(lines, 1):
        line = line.strip()
        if not line or line[0] in "#;":
            continue
        if line[0] == "[":
            sections.append(header(path, number, line, kinds, sections))
            continue
        add_value(path, number, line, kinds, sections)
    return sections


def header(path, number, line, kinds, sections):
    known = ", ".join(f"[{k[:-1]} NAME]" if k.endswith("*") else f"[{k}]" for k in kinds)
    m = re.fullmatch(r"\[\s*([a-z]+)(?:\s+([A-Za-z0-9._/-]+))?\s*\]", line)
    if not m:
        fail(path, number, line, f"a section, one of {known}")
    kind, name = m[1], m[2] or ""
    if (kind + "*" if name else kind) not in kinds:
        fail(path, number, line, f"one of {known}")
    for s in sections:
        if (s.kind, s.name) == (kind, name):
            fail(path, number, line, f"it once; line {s.line} has it already")
    return Section(path, number, kind, name)


def add_value(path, number, line, kinds, sections):
    key, equals, value = line.partition("=")
    key = key.strip()
    if not equals or not key:
        fail(path, number, line, "KEY = VALUE")
    if not sections:
        fail(path, number, key, "a [section] before it")
    s = sections[-1]
    allowed = kinds[s.kind + "*"] if s.name else kinds[s.kind]
    if key not in allowed:
        fail(path, number, key, f"one of {', '.join(allowed)} in [{s.kind}]")
    if key in s.values:
        fail(path, number, key, f"it once; line {s.values[key][1]} has it already")
    s.values[key] = (value.strip(), number)
