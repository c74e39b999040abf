#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Make the Debian package strata-hypervisor_VERSION_amd64.deb, the same bytes from the same files.

usage: mkdeb.py OUT_FOLDER STRATA ARCHIVE REVISION
"""
import gzip
import hashlib
import os
import shutil
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
IMAGES = os.path.join(os.path.dirname(HERE), "images")
sys.path.insert(0, IMAGES)
import common  # noqa: E402

NAME = "strata-hypervisor"
MAINTAINER = "Strata developers <strata@example.org>"
CONTROL = """\
Package: {name}
Version: {version}
Architecture: amd64
Maintainer: {maintainer}
Installed-Size: {size}
Depends: python3:any
Recommends: grub2-common
Suggests: mmdebstrap, sbsigntool
Section: kernel
Priority: optional
Homepage: https://example.org/strata
Description: bare-metal hypervisor, started by the boot loader
 Strata is a small type-1 hypervisor for x86-64 with a console on the serial
 port. The package installs its kernel and boot archive, an entry for GRUB's
 menu, and the tools that make boot archives with virtual machines and
 unified EFI images.
"""
CHANGELOG = """\
{name} ({version}) unstable; urgency=medium

  * Build of {revision}.

 -- {maintainer}  {date}
"""
TOOLS = ("build", "unify.py", "common.py", "ini.py", "newc.py")
CONFFILES = {"etc/grub.d/42_strata": ("42_strata", 0o755), "etc/default/strata": ("default", 0o644)}
MAN = ("strata-hypervisor.7", "strata-build-archive.1", "strata-unify.1")


def put(root, dest, data, mode=0o644):
    path = os.path.join(root, dest)
    common.write(path, data)
    os.chmod(path, mode)


def gz(text):
    return gzip.compress(text if isinstance(text, bytes) else text.encode(), 9, mtime=0)


def fill(root, strata, archive, version, revision):
    put(root, "boot/strata/strata", common.read(strata))
    put(root, "boot/strata/strata.cpio", common.read(archive))
    for dest, (source, mode) in CONFFILES.items():
        put(root, dest, common.read(f"{HERE}/deb/{source}"), mode)
    for name in TOOLS:
        put(root, f"usr/lib/strata/{name}", common.read(f"{IMAGES}/{name}"), 0o755 if name in ("build", "unify.py") else 0o644)
    os.makedirs(f"{root}/usr/bin")
    os.symlink("../lib/strata/build", f"{root}/usr/bin/strata-build-archive")
    os.symlink("../lib/strata/unify.py", f"{root}/usr/bin/strata-unify")
    for page in MAN:
        put(root, f"usr/share/man/man{page[-1]}/{page}.gz", gz(common.read(f"{HERE}/deb/{page}")))
    doc = f"usr/share/doc/{NAME}"
    put(root, f"{doc}/copyright", common.read(f"{HERE}/deb/copyright"))
    date = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(common.epoch()))
    put(root, f"{doc}/changelog.gz", gz(CHANGELOG.format(name=NAME, version=version, revision=revision, date=date,
                                                         maintainer=MAINTAINER)))


def control(root, version):
    """The files of DEBIAN/, from what is in the tree by now."""
    sums, size = "", 0
    for top, dirs, names in os.walk(root):
        dirs.sort()
        for name in sorted(names):
            path = os.path.join(top, name)
            if os.path.islink(path):
                continue
            data = common.read(path)
            size += len(data)
            sums += f"{hashlib.md5(data).hexdigest()}  {os.path.relpath(path, root)}\n"
    put(root, "DEBIAN/control", CONTROL.format(name=NAME, version=version, maintainer=MAINTAINER, size=-(-size // 1024)))
    put(root, "DEBIAN/md5sums", sums)
    put(root, "DEBIAN/conffiles", "".join(f"/{path}\n" for path in CONFFILES))
    for script in ("postinst", "postrm"):
        put(root, f"DEBIAN/{script}", common.read(f"{HERE}/deb/{script}"), 0o755)


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    out, strata, archive, revision = sys.argv[1:]
    version = time.strftime("0.1+git%Y%m%d.", time.gmtime(common.epoch())) + revision.replace("-", ".")
    os.makedirs(out, exist_ok=True)
    deb = os.path.join(out, f"{NAME}_{version}_amd64.deb")
    with tempfile.TemporaryDirectory(prefix="strata-deb-") as work:
        root = os.path.join(work, "root")
        fill(root, strata, archive, version, revision)
        control(root, version)
        for top, _, _ in os.walk(root):
            os.chmod(top, 0o755)
        common.run(["find", root, "-exec", "touch", "-h", "-d", f"@{common.epoch()}", "{}", "+"])
        common.run(["dpkg-deb", "--root-owner-group", "-Zxz", "--build", root, deb + ".tmp"])
    os.replace(deb + ".tmp", deb)
    print(deb)


if __name__ == "__main__":
    common.main(main)
