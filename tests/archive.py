# SPDX-License-Identifier: GPL-2.0-or-later
"""Boot archives for tests: one with more files behind a built one (several may be concatenated)."""


def newc(files):
    """A newc archive of {path: bytes}; paths without a leading slash."""
    out = bytearray()

    def entry(name, data, mode):
        name = name.encode() + b"\0"
        fields = [0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0]
        out.extend(b"070701" + b"".join(b"%08X" % f for f in fields) + name)
        out.extend(b"\0" * (-len(out) % 4))
        out.extend(data)
        out.extend(b"\0" * (-len(out) % 4))

    for path, data in files.items():
        entry(path, data, 0o100755)
    entry("TRAILER!!!", b"", 0)
    return bytes(out)


def extend(base, path, files):
    """Write to `path` the archive `base` and behind it {name: bytes}."""
    with open(base, "rb") as f:
        data = f.read()
    with open(path, "wb") as f:
        f.write(data + b"\0" * (-len(data) % 4) + newc(files))
    return path


def vm_conf(kernel, vcpus=1, memory="32M", cmdline="", extra=""):
    """The configuration of a VM that may end by debug-exit."""
    return (f"[vm]\nkernel = {kernel}\nvcpus = {vcpus}\nmemory = {memory}\ncmdline = {cmdline}\n{extra}"
            "[debug-exit]\n").encode()
