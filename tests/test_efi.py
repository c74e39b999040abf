# SPDX-License-Identifier: GPL-2.0-or-later
"""The image as an EFI application: what its headers promise, and Debian's OVMF starting it."""
import struct

import pefile
import pytest

import archive
import firmware
import harness

PROMPT = r"strata> "
EXECUTE, WRITE = 0x20000000, 0x80000000
NX_COMPAT, RELOCS_STRIPPED = 0x100, 0x1


@pytest.mark.parametrize("config", ["release", "debug"])
def test_headers(config):
    """Loadable anywhere, no section both writable and executable, nothing outside of sections."""
    path = harness.image(config)
    pe = pefile.PE(path)
    assert pe.OPTIONAL_HEADER.DllCharacteristics & NX_COMPAT
    assert not pe.FILE_HEADER.Characteristics & RELOCS_STRIPPED
    assert pe.OPTIONAL_HEADER.Subsystem == 10
    for s in pe.sections:
        assert not (s.Characteristics & EXECUTE and s.Characteristics & WRITE), s.Name
        assert s.VirtualAddress % 4096 == 0 and s.VirtualAddress == s.PointerToRawData
    with open(path, "rb") as f:
        data = f.read()
    last = pe.sections[-1]
    assert last.PointerToRawData + last.SizeOfRawData == len(data) == pe.OPTIONAL_HEADER.SizeOfImage
    entry = pe.OPTIONAL_HEADER.AddressOfEntryPoint
    executable = [s for s in pe.sections if s.Characteristics & EXECUTE]
    assert [s.contains_rva(entry) for s in executable] == [True]
    handover, = struct.unpack_from("<I", data, 0x264)
    assert executable[0].contains_rva(pe.OPTIONAL_HEADER.SizeOfHeaders + handover + 0x200)
    assert struct.unpack_from("<H", data, 0x236)[0] & 8, "XLF_EFI_HANDOVER_64"


def test_ovmf_kernel(machine, tmp_path):
    """`qemu -kernel` under OVMF: PE entry, command line, initrd; ACPI found through the system table. The line says no
    console: the firmware's is put in front of it."""
    with machine(config="release", limit=200, console="", append="word", extra=firmware.pflash(tmp_path)) as m:
        m.expect(r"command line 'console=ttyS0,115200n8 word[^']*'", 120)
        m.expect(r"ACPI: 2 CPUs, 1 IO-APICs", 30)
        m.expect(r"2 CPUs online", 30)
        m.expect(PROMPT, 60)


def test_unified(machine, tmp_path):
    """One file on an EFI system partition holds the kernel, two archives and the command line."""
    more = tmp_path / "more.cpio"
    more.write_bytes(archive.newc({"etc/second": b"here\n"}))
    image = firmware.unify(tmp_path / "strata.efi", "debug", "console=ttyS0 selftest=lock unified",
                           [harness.image("debug", "strata.cpio"), more])
    disk = firmware.esp(tmp_path, {"EFI/BOOT/BOOTX64.EFI": image})
    with machine(kernel=False, limit=200, extra=firmware.pflash(tmp_path) + disk) as m:
        m.expect(r"command line 'console=ttyS0 selftest=lock unified'", 120)
        m.expect(r"selftest: [1-9]\d* passed, 0 failed", 60)
        m.expect(r"boot archive: (\d+) entries", 60)
        m.expect(PROMPT, 60)
