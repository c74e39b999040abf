# SPDX-License-Identifier: GPL-2.0-or-later
"""What loaders and firmware may hand us damaged: one clear line each, never a hang or a reset loop; and what a boot costs."""
import gzip
import os
import random
import sys

import pefile
import pytest

import firmware
import harness
from archive import newc

sys.path.insert(0, os.path.join(harness.TREE, "tests", "tools"))
import boot_cost  # noqa: E402

PROMPT = r"strata> "
MUTANTS = 1000
GOAL = 60000000


@pytest.mark.parametrize("kind", ["bios", "uefi"])
def test_mutants(machine, tmp_path, kind):
    """1,000 spoilt copies each of this machine's ACPI tables and boot_params; then the boot goes on."""
    extra = firmware.pflash(tmp_path) if kind == "uefi" else []
    with machine(append=f"strata.mutants={MUTANTS}", limit=300, extra=extra) as m:
        tables = m.expect(r"mutants: (\d+) times (\d+) ACPI tables: (\d+) refused, (\d+) warnings", 150)
        assert int(tables[1]) == MUTANTS and int(tables[2]) >= 5 and int(tables[3]) > 0 and int(tables[4]) > MUTANTS
        params = m.expect(r"mutants: (\d+) boot_params: (\d+) refused", 60)
        assert int(params[1]) == MUTANTS and 0 < int(params[2]) < MUTANTS
        m.expect(r"2 CPUs online", 60)
        m.expect(PROMPT, 60)


DAMAGED = r"strata: cannot start: the image is damaged or was not loaded whole \(wrong checksum\)"


# Cut in the kernel's data, or one bit turned: early and late in the kernel.
@pytest.mark.parametrize("what", ["cut", 0x3000, -0x8000])
def test_damaged_image(machine, tmp_path, what):
    data = bytearray(open(harness.image("release"), "rb").read())
    kernel_end = pefile_end(data)
    if what == "cut":
        del data[kernel_end // 2:]
    else:
        data[what if what > 0 else kernel_end + what] ^= 0x10
    image = tmp_path / "strata"
    image.write_bytes(data)
    with machine(kernel=str(image), initrd=harness.image("release", "strata.cpio")) as m:
        m.expect(DAMAGED, 60)
        m.drain(2)
        assert m.qmp("query-status")["running"] and m.text().count("cannot start") == 1


def pefile_end(data):
    """Where the kernel ends in the file: the end of the section .kernel."""
    kernel = pefile.PE(data=bytes(data), fast_load=True).sections[0]
    return kernel.PointerToRawData + kernel.SizeOfRawData


def pack(data, how, folder):
    """As `gzip` and `lz4 -l` do it."""
    if how == "gzip":
        return gzip.compress(data, 9)
    path = folder / "plain"
    path.write_bytes(data)
    firmware.run(["lz4", "-q", "-l", "-9", str(path), f"{path}.lz4"])
    return (folder / "plain.lz4").read_bytes()


@pytest.mark.parametrize("how", ["gzip", "lz4"])
def test_compressed_archive(machine, tmp_path, how):
    """A packed archive, a plain one and a packed one behind each other; the later file wins. A large one shows its progress."""
    noise = random.Random(1).randbytes(24 << 20)
    parts = [pack(open(harness.image("release", "strata.cpio"), "rb").read() + newc({"noise": noise}), how, tmp_path)]
    parts.append(newc({"etc/hello": b"echo plain part\n"}))
    if how == "gzip":  # a legacy frame of lz4 has no end: only a plain archive may follow
        parts.append(pack(newc({"etc/hello": b"echo last part\n"}), how, tmp_path))
    path = tmp_path / "packed"
    path.write_bytes(b"".join(p + bytes(-len(p) % 4) for p in parts))
    with machine(config="release", initrd=str(path), append="strata.run=/etc/hello") as m:
        shown = [int(m.expect(r"boot archive: unpacking, (\d+) of 2\d MiB", 90)[1]) for _ in range(3)]
        assert 0 < shown[0] < shown[1] < shown[2] < 30
        m.expect(r"boot archive: unpacked \d+ KiB to \d+ KiB", 60)
        m.expect(r"\n(last|plain) part", 60)
        assert m.child.match[1].decode() == ("last" if how == "gzip" else "plain")
        m.expect(PROMPT, 30)


ARCHIVE_ERROR = r"boot archive: [^\r\n]*(damaged|expected)[^\r\n]*"


@pytest.mark.parametrize("what", ["cut", "gzip", "xz", "header", "garbage", "empty"])
def test_damaged_archive(machine, tmp_path, what):
    data = bytearray(open(harness.image("release", "strata.cpio"), "rb").read())
    if what == "cut":
        del data[len(data) // 2:]
    elif what == "gzip":
        data = bytearray(gzip.compress(bytes(data), 6))
        del data[len(data) // 2:]
    elif what == "xz":
        data[:6] = b"\xfd7zXZ\0"
    elif what == "header":
        data[20:28] = b"zzzzzzzz"
    elif what == "garbage":
        data = bytearray(b"this is no archive" * 100)
    else:
        data = bytearray(4096)
    archive = tmp_path / "archive"
    archive.write_bytes(data)
    with machine(config="release", initrd=str(archive)) as m:
        if what != "empty":
            m.expect(ARCHIVE_ERROR, 30)
        if what in ("header", "empty"):
            m.expect(r"/bin/init cannot be started: error 2", 60)
        m.drain(1)
        assert m.qmp("query-status")["running"]


def test_instructions():
    """From the 16-bit entry to the prompt with one CPU and 1 GiB."""
    build = os.path.join(harness.BUILD, "release")
    used = boot_cost.instructions(f"{build}/strata", f"{build}/strata.cpio", f"{build}/strata.elf")
    assert 1000000 < used <= GOAL
