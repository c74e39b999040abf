# SPDX-License-Identifier: GPL-2.0-or-later
"""Secure Boot with keys made for this run: a signed image starts; unsigned and altered ones are refused.

Part of make check-boot. systemd-boot enrols the keys once; the machines start from copies of those variables.
"""
import os
import shutil

import pytest

import firmware
import harness
from test_efi import PROMPT

OWNER = "9d0b1c3e-5d2f-4a53-8f0e-53545241a001"
SECURE = ["-global", "driver=cfi.pflash01,property=secure,value=on"]
REFUSED = r"BdsDxe: failed to load Boot\d+ [^\r\n]*: Access Denied"


def pflash(folder, variables):
    return firmware.pflash(folder, "OVMF_CODE_4M.secboot.fd", variables) + SECURE


def enrolment(folder):
    """PK, KEK and db as signed updates, and the key of db."""
    keys = {name: firmware.make_key(folder, name) for name in ("PK", "KEK", "db")}
    out = {}
    for name, by in (("PK", "PK"), ("KEK", "PK"), ("db", "KEK")):
        listed, update = (os.path.join(folder, f"{name}.{end}") for end in ("esl", "auth"))
        firmware.run(["cert-to-efi-sig-list", "-g", OWNER, keys[name][1], listed])
        firmware.run(["sign-efi-sig-list", "-t", "2026-01-01 00:00:00", "-k", keys[by][0], "-c", keys[by][1], name,
                      listed, update])
        out[f"loader/keys/test/{name}.auth"] = update
    return out, keys["db"]


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    """(path of firmware variables with our keys, key, certificate)."""
    folder = str(tmp_path_factory.mktemp("secure"))
    files, (key, cert) = enrolment(folder)
    files["EFI/BOOT/BOOTX64.EFI"] = "/usr/lib/systemd/boot/efi/systemd-bootx64.efi"
    files["loader/loader.conf"] = b"timeout 1\nsecure-boot-enroll force\n"
    argv = pflash(folder, "OVMF_VARS_4M.fd") + firmware.esp(folder, files)
    with harness.Machine("enrol", kernel=False, machine="q35,smm=on", extra=argv, limit=300) as m:
        m.expect(r"Enrolling secure boot keys", 120)
        m.wait_exit(60)
    variables = os.path.join(folder, "enrolled.fd")
    shutil.copy(os.path.join(folder, "vars.fd"), variables)
    return variables, key, cert


def start(folder, variables, image, **kwargs):
    argv = pflash(folder, variables) + firmware.esp(folder, {"EFI/BOOT/BOOTX64.EFI": image})
    return harness.Machine(config="release", kernel=False, machine="q35,smm=on", extra=argv, limit=300, **kwargs)


def unified(folder):
    return firmware.unify(folder / "plain.efi", cmdline="console=ttyS0 unified")


def test_signed(secure, tmp_path):
    variables, key, cert = secure
    image = firmware.sign(unified(tmp_path), key, cert, tmp_path / "signed.efi")
    with start(tmp_path, variables, image) as m:
        m.expect(r"command line 'console=ttyS0 unified'", 120)
        m.expect(PROMPT, 60)


def test_unsigned(secure, tmp_path):
    with start(tmp_path, secure[0], unified(tmp_path)) as m:
        m.expect(REFUSED, 120)


# In the kernel, in the stub, in the command line, in the archive.
@pytest.mark.parametrize("section", [".kernel", ".text", ".cmdline", ".initrd"])
def test_tampered(secure, tmp_path, section):
    import pefile
    variables, key, cert = secure
    image = tmp_path / "signed.efi"
    firmware.sign(unified(tmp_path), key, cert, image)
    where = [s for s in pefile.PE(image).sections if s.Name.rstrip(b"\0").decode() == section][0]
    data = bytearray(image.read_bytes())
    data[where.PointerToRawData + 5] ^= 1
    image.write_bytes(data)
    with start(tmp_path, variables, image) as m:
        m.expect(REFUSED, 120)


def test_other_key(secure, tmp_path):
    key, cert = firmware.make_key(tmp_path, "other")
    image = firmware.sign(unified(tmp_path), key, cert, tmp_path / "signed.efi")
    with start(tmp_path, secure[0], image) as m:
        m.expect(REFUSED, 120)


def test_handover(secure, tmp_path):
    """OVMF refuses the unsigned -kernel as an application and, as it says, falls back to the handover entry."""
    argv = pflash(tmp_path, secure[0])
    with harness.Machine(config="release", machine="q35,smm=on", append="by-handover", extra=argv, limit=300) as m:
        m.expect(r"loader 0xb0, command line 'console=ttyS0 by-handover'", 120)
        m.expect(PROMPT, 60)
