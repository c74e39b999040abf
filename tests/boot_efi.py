# SPDX-License-Identifier: GPL-2.0-or-later
"""The image under every EFI loader, and what happens when a file is missing. Part of make check-boot."""
import gzip
import os
import subprocess

import pytest

import archive
import firmware
import harness
from test_efi import PROMPT

SYSTEMD = "/usr/lib/systemd/boot/efi"


def second(folder):
    path = os.path.join(folder, "second.cpio")
    with open(path, "wb") as f:
        f.write(archive.newc({"etc/second": b"here\n"}))
    return path


def entries(path):
    """How many entries an archive has, as the kernel counts them."""
    listed = subprocess.run(["cpio", "-t", "--quiet"], stdin=open(path, "rb"), stdout=subprocess.PIPE, check=True)
    return len(listed.stdout.splitlines())


def expect_both(m, folder):
    """Both archives have arrived."""
    want = entries(harness.image("release", "strata.cpio")) + entries(second(folder))
    got = m.expect(r"boot archive: (\d+) entries", 60)
    assert int(got[1]) == want
    m.expect(PROMPT, 60)


def files(folder, packed=False, **more):
    first = harness.image("release", "strata.cpio")
    if packed:
        with open(first, "rb") as f:
            first = gzip.compress(f.read())
    return {"strata": harness.image("release"), "a.cpio": first, "dir/b.cpio": second(folder),
            **{k.replace("__", "/"): v for k, v in more.items()}}


def start(machine, folder, content, **kwargs):
    extra = firmware.pflash(folder) + firmware.esp(folder, content)
    return machine(config="release", kernel=False, limit=300, extra=extra, **kwargs)


@pytest.mark.parametrize("packed", [False, True])
def test_systemd_boot(machine, tmp_path, packed):
    content = files(tmp_path, packed)
    content["EFI/BOOT/BOOTX64.EFI"] = f"{SYSTEMD}/systemd-bootx64.efi"
    content["loader/loader.conf"] = b"timeout 0\ndefault strata.conf\n"
    content["loader/entries/strata.conf"] = (b"title Strata\nlinux /strata\ninitrd /a.cpio\ninitrd /dir/b.cpio\n"
                                             b"options console=ttyS0 by-systemd-boot\n")
    with start(machine, tmp_path, content) as m:
        m.expect(r"command line '[^'\r\n]*console=ttyS0 by-systemd-boot[^'\r\n]*'", 120)
        expect_both(m, tmp_path)


def shell(folder, line):
    return files(folder, **{"startup.nsh": line.encode() + b"\r\n"})


def test_shell(machine, tmp_path):
    """From the UEFI shell the program's own name comes first in its options."""
    content = shell(tmp_path, r"fs0:\strata console=ttyS0 initrd=\a.cpio initrd=\dir\b.cpio by-shell")
    content["strata.efi"] = content.pop("strata")
    content["startup.nsh"] = content["startup.nsh"].replace(b"strata ", b"strata.efi ")
    with start(machine, tmp_path, content) as m:
        m.expect(r"command line 'console=ttyS0 initrd=\\a.cpio initrd=\\dir\\b.cpio by-shell'", 120)
        expect_both(m, tmp_path)


def test_missing_initrd(machine, tmp_path):
    """One line that names the file, and the firmware goes on."""
    content = shell(tmp_path, r"fs0:\strata.efi console=ttyS0 initrd=\none.cpio")
    content["strata.efi"] = content.pop("strata")
    with start(machine, tmp_path, content) as m:
        m.expect(r"strata: cannot start: initrd=\\none.cpio: no such file beside the image", 120)
        m.expect(r"Shell>", 30)


def test_large_archive(machine, tmp_path):
    """Who waits for a large part of the archive sees how far it is."""
    (tmp_path / "big.cpio").write_bytes(archive.newc({"big": bytes(40 << 20)}))
    content = shell(tmp_path, r"fs0:\strata.efi console=ttyS0 initrd=\a.cpio initrd=\big.cpio")
    content["strata.efi"] = content.pop("strata")
    content["big.cpio"] = tmp_path / "big.cpio"
    with start(machine, tmp_path, content) as m:
        shown = [m.expect(r"strata: (\S+): (\d+) of 40 MiB", 120) for _ in range(11)]
        assert [int(s[2]) for s in shown] == [*range(4, 41, 4), 40] and {s[1] for s in shown} == {rb"\big.cpio"}
        m.expect(PROMPT, 90)


def test_large_load_file2(machine, tmp_path):
    """The loader reads it in one piece: its size at least."""
    path = tmp_path / "big.cpio"
    path.write_bytes(open(harness.image("release", "strata.cpio"), "rb").read() + archive.newc({"big": bytes(40 << 20)}))
    with machine(config="release", initrd=str(path), limit=300, extra=firmware.pflash(tmp_path)) as m:
        m.expect(r"strata: the loader's initrd \(LoadFile2\): 4\d MiB", 120)
        m.expect(PROMPT, 90)


def test_serial_without_console(machine, tmp_path):
    """The firmware's console is the screen only: the stub's lines come on the serial port named."""
    content = shell(tmp_path, r"fs0:\strata.efi console=ttyS1 initrd=\none.cpio")
    content["strata.efi"] = content.pop("strata")
    with start(machine, tmp_path, content) as m:
        # OVMF's ConOut includes COM1, so nothing may come on it twice.
        m.expect(r"strata: cannot start: initrd=\\none.cpio", 120)
        m.drain(2)
        assert m.text().count("cannot start") == 1


def test_systemd_stub(machine, tmp_path):
    """A unified image made with systemd's stub and objcopy: it loads our image and offers the initrd by LoadFile2."""
    image = tmp_path / "uki.efi"
    line = tmp_path / "cmdline"
    line.write_text("console=ttyS0 by-systemd-stub")
    both = tmp_path / "both.cpio"
    both.write_bytes(open(harness.image("release", "strata.cpio"), "rb").read() + open(second(tmp_path), "rb").read())
    argv = ["objcopy"]
    for name, source, address in ((".cmdline", line, 0x30000), (".initrd", both, 0x3000000),
                                  (".linux", harness.image("release"), 0x2000000)):
        argv += ["--add-section", f"{name}={source}", "--change-section-vma", f"{name}={address:#x}"]
    firmware.run(argv + [f"{SYSTEMD}/linuxx64.efi.stub", str(image)])
    with start(machine, tmp_path, {"EFI/BOOT/BOOTX64.EFI": image}) as m:
        m.expect(r"command line 'console=ttyS0 by-systemd-stub'", 120)
        expect_both(m, tmp_path)


GRUB_EARLY = "search --file --set=root /strata\nlinux /strata console=ttyS0 by-grub\ninitrd /a.cpio /dir/b.cpio\nboot\n"


@pytest.mark.parametrize("packed", [False, True])
def test_grub_efi(machine, tmp_path, packed):
    config = tmp_path / "grub.cfg"
    config.write_text(GRUB_EARLY)
    image = tmp_path / "grub.efi"
    firmware.run(["grub-mkstandalone", "-O", "x86_64-efi", "-o", str(image), "--modules=part_gpt fat linux search",
                  "--locales=", "--themes=", "--fonts=", f"boot/grub/grub.cfg={config}"])
    content = files(tmp_path, packed)
    content["EFI/BOOT/BOOTX64.EFI"] = image
    with start(machine, tmp_path, content) as m:
        m.expect(r"command line '[^'\r\n]*console=ttyS0 by-grub'", 120)
        expect_both(m, tmp_path)
