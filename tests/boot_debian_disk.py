# SPDX-License-Identifier: GPL-2.0-or-later
"""The Debian package on a whole Debian disk: installed by the running system, started from GRUB's menu, purged.

Part of make check-boot. mmdebstrap makes the root, mke2fs the file system: no loop device. What changes the disk afterwards
is Debian itself in QEMU, so that grub-install, update-grub and grub-probe see a real disk: the guest's first process is PHASE, which
does the step that the kernel's command line names. The disk starts on BIOS and UEFI.
"""
import glob
import os
import shutil
import subprocess

import pytest

import firmware
import harness
import media
from boot_media import DEMO, to_guest

# Of images/, where firmware.py has led us.
import disk  # noqa: E402
import fat  # noqa: E402

PACKAGES = "linux-image-cloud-amd64,udev,mount,e2fsprogs,python3,grub2-common,grub-pc-bin,grub-efi-amd64-bin"
MIB = 1 << 20
PARTS = [("bios", "bios", 1), ("esp", "esp", 33), ("root", "linux", 1500)]

GRUB_DEFAULTS = """\
GRUB_DEFAULT='Strata hypervisor'
GRUB_TIMEOUT=0
GRUB_CMDLINE_LINUX_DEFAULT=
GRUB_CMDLINE_LINUX='console=ttyS0 rw init=/phase'
GRUB_TERMINAL='console serial'
GRUB_SERIAL_COMMAND='serial --unit=0 --speed=115200'
"""

# Says `phase NAME: ok`, or the line that failed, and powers off.
PHASE = r"""#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
mountpoint -q /proc || mount -t proc proc /proc
mountpoint -q /sys || mount -t sysfs sys /sys
phase=$(sed -n 's/.*phase=\([a-z]*\).*/\1/p' /proc/cmdline)

names() {
	find / -xdev ! -path '/var/*' ! -path '/root/*' | sort
}
install() {
	mount -t vfat /dev/vda2 /boot/efi
	grub-install --target=i386-pc /dev/vda
	grub-install --target=x86_64-efi --efi-directory=/boot/efi --removable --no-nvram
	umount /boot/efi
	update-grub
	cp /boot/grub/grub.cfg /root/grub.cfg
	names >/root/before
	dpkg -i /root/package.deb
	# What an administrator does who has VMs of their own.
	mkdir /boot/guests
	strata-build-archive /root/manifest /boot/guests/vms.cpio
	sed -i 's|^STRATA_ARCHIVES=.*|STRATA_ARCHIVES="/boot/guests/demo.cpio /boot/guests/vms.cpio"|' /etc/default/strata
	cp /root/demo.cpio /boot/guests/
	update-grub
	grep -A9 "menuentry 'Strata" /boot/grub/grub.cfg
}
pack() {
	gzip /boot/guests/demo.cpio
	sed -i 's|/demo.cpio |/demo.cpio.gz |' /etc/default/strata
	update-grub
	grep -A9 "menuentry 'Strata" /boot/grub/grub.cfg
}
purge() {
	rm -r /boot/guests
	dpkg -P strata-hypervisor
	names >/root/after
	diff /root/before /root/after
	diff /root/grub.cfg /boot/grub/grub.cfg
	left=$(find / -xdev -iname '*strata*')
	[ -z "$left" ] || { echo "left: $left"; false; }
}
menu() {
	:
}
# Not behind ||: that would switch set -e off within.
(set -ex; ${phase:-menu})
[ $? -eq 0 ] && echo "phase ${phase:-menu}: ok" || echo "phase ${phase:-menu}: failed"
sync
mount -o remount,ro /
echo o >/proc/sysrq-trigger
sleep 1000
"""


def make_root(folder):
    """A Debian root as a folder, and the package's and the demo's files in it."""
    root = os.path.join(folder, "root")
    subprocess.run(["make", "-s", "CONFIG=release", "image-deb"], cwd=harness.TREE, check=True, timeout=300)
    deb, = glob.glob(os.path.join(harness.BUILD, "release", "image", "strata-hypervisor_*_amd64.deb"))
    firmware.run(["mmdebstrap", "--quiet", "--variant=essential", f"--include={PACKAGES}", "bookworm", root], timeout=900)
    for dest, text in (("phase", PHASE), ("etc/default/grub", GRUB_DEFAULTS), ("root/text", "an administrator's own\n"),
                       ("root/manifest", "[file /etc/own]\nsource = text\n")):
        with open(os.path.join(root, dest), "w", encoding="utf-8") as f:
            f.write(text)
    os.chmod(os.path.join(root, "phase"), 0o755)
    os.makedirs(os.path.join(root, "boot/efi"))
    shutil.copy(deb, os.path.join(root, "root/package.deb"))
    shutil.copy(DEMO, os.path.join(root, "root/demo.cpio"))
    return root


def make_disk(folder, root):
    """GPT with room for GRUB, an empty ESP and the root as ext4."""
    at, parts = MIB, []
    for name, kind, size in PARTS:
        parts.append((name, disk.TYPE[kind], at, size * MIB))
        at += size * MIB
    raw, esp, ext4 = (os.path.join(folder, name) for name in ("debian.raw", "esp.img", "root.img"))
    with open(raw, "wb") as f:
        f.truncate(at + MIB)
    disk.write_table(raw, parts)
    fat.make(esp, parts[1][3] // MIB, {}, "ESP")
    firmware.run(["mke2fs", "-q", "-t", "ext4", "-d", root, ext4, f"{parts[2][3] // 1024}k"])
    with open(raw, "r+b") as out:
        disk.copy_into(out, esp, parts[1][2])
        disk.copy_into(out, ext4, parts[2][2])
    os.remove(ext4)
    return raw


@pytest.fixture(scope="module")
def debian(tmp_path_factory):
    """(disk, kernel, initrd) of a Debian without any boot loader yet."""
    folder = str(tmp_path_factory.mktemp("debian"))
    root = make_root(folder)
    parts = []
    for name in ("vmlinuz", "initrd.img"):
        found, = glob.glob(os.path.join(root, "boot", f"{name}-*"))
        parts.append(shutil.copy(found, folder))
    raw = make_disk(folder, root)
    shutil.rmtree(root)
    return raw, *parts


def run_phase(machine, debian, phase):
    """Debian does one step and powers off."""
    raw, kernel, initrd = debian
    with machine(name=phase, config="release", kernel=kernel, initrd=initrd, limit=900,
                 append=f"root=/dev/vda3 rw quiet init=/phase phase={phase}",
                 extra=["-drive", f"file={raw},format=raw,if=virtio"]) as m:
        assert m.expect(rf"phase {phase}: (ok|failed)", 600)[1] == b"ok", harness.tail(m.log)
        said = m.text()
        m.wait_exit(60)
    return said


def test_menu(machine, debian, tmp_path):
    said = run_phase(machine, debian, "install")
    assert "Found Strata: /boot/strata/strata" in said
    for packed in (False, True):
        if packed:
            assert "/boot/guests/demo.cpio.gz" in run_phase(machine, debian, "pack")
        for kind in ("bios", "uefi"):
            folder = tmp_path / f"{kind}-{packed}"
            os.makedirs(folder)
            to_guest(machine, folder, kind, media.drive(debian[0], "disk"))
    run_phase(machine, debian, "purge")
    with machine(name="without", config="release", kernel=False, limit=600, extra=media.drive(debian[0], "disk")) as m:
        m.expect(r"phase menu: ok", 300)
        assert "trata" not in m.text()
