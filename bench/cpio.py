# SPDX-License-Identifier: GPL-2.0-or-later
"""Archives in newc format, and the kernel modules that go into them.

An archive is the same for the same contents: sorted, with no times and no owners.
"""
import os
import re
import stat
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "images"))
import newc  # noqa: E402


class Missing(Exception):
    """An input that is not there; the text names it and what was expected."""


def read(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except OSError as e:
        raise Missing(f"{path}: {e.strerror}") from e


class Archive:
    def __init__(self):
        self.entries = {}

    def folder(self, path):
        while path and path not in self.entries:
            self.entries[path] = (0o40755, b"")
            path = os.path.dirname(path)

    def add(self, path, data, mode=0o100644):
        path = path.lstrip("/")
        self.folder(os.path.dirname(path))
        self.entries[path] = (mode, data)

    def add_file(self, path, source):
        data = read(source)
        executable = os.stat(source).st_mode & 0o111
        self.add(path, data, 0o100755 if executable else 0o100644)

    def link(self, path, target):
        self.add(path, target.encode(), 0o120777)

    def node(self, path, major, minor):
        self.folder(os.path.dirname(path))
        self.entries[path] = (0o20600, (major, minor))

    def write(self, f):
        writer = newc.Writer(f)
        for name in sorted(self.entries):
            mode, data = self.entries[name]
            if stat.S_ISCHR(mode):
                writer.head(name, mode, 0, data)
                continue
            writer.folders.add(name)
            writer.head(name, mode, len(data))
            writer.write(data)
            writer.pad()
        writer.end()

    def save(self, path):
        """All or nothing."""
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        with open(path + ".tmp", "wb") as f:
            self.write(f)
        os.replace(path + ".tmp", path)


def libraries(program):
    """What the dynamic linker would load, and the linker itself."""
    done = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Missing(f"ldd {program}: {done.stderr.strip()}")
    return sorted(set(re.findall(r"(/\S+) \(0x", done.stdout)))


# ---- kernel modules ----


def module_index(folder):
    index = {}
    for where, _, files in os.walk(folder):
        for name in files:
            if name.endswith(".ko"):
                index[name[:-3].replace("-", "_")] = os.path.join(where, name)
    return index


def depends(path):
    """The `depends=` line of a module's .modinfo section."""
    match = re.search(rb"\0depends=([^\0]*)\0", read(path))
    return [d for d in match[1].decode().split(",") if d] if match else []


def load_order(index, names):
    order = []

    def visit(name):
        name = name.replace("-", "_")
        if name not in index:
            raise Missing(f"no module {name}.ko in the kernel package")
        for needed in depends(index[name]):
            visit(needed)
        if name not in order:
            order.append(name)

    for name in names:
        visit(name)
    return order


def add_modules(archive, folder, names, order_file):
    """The modules, what they need, and a file that says in which order they are loaded."""
    index = module_index(folder)
    order = load_order(index, names)
    for name in order:
        archive.add_file(f"/modules/{name}.ko", index[name])
    archive.add(order_file, "".join(f"{n}\n" for n in order).encode())
