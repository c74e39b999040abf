# SPDX-License-Identifier: GPL-2.0-or-later
"""images/build: what a manifest becomes, what a bad one says; and a machine that runs it by itself and tells a VM's exit code."""
import io
import os
import subprocess
import tarfile

import pytest

import firmware
import harness
import media

TOOL = os.path.join(harness.TREE, "images", "build")

BAD = [
    ("", ":1: expected a section"),
    ("vcpus = 1\n", ":1: vcpus: expected a [section] before it"),
    ("[vm a]\n[vm a]\n", ":2: [vm a]: expected it once; line 1 has it already"),
    ("[vm a]\nkernel = k\nkernel = k\n", ":3: kernel: expected it once; line 2 has it already"),
    ("[vmm a]\n", ":1: [vmm a]: expected one of [vm NAME], [file NAME], [host]"),
    ("[vm]\n", ":1: [vm]: expected one of"),
    ("[vm a\n", ":1: [vm a: expected a section"),
    ("[vm a/b]\nkernel = k\n", ":1: [vm a/b]: expected a name of at most 31"),
    ("[vm a]\nnonsense\n", ":2: nonsense: expected KEY = VALUE"),
    ("# one\n\n[vm a]\ncpus = 2\n", ":4: cpus: expected one of kernel, initrd, vcpus"),
    ("[vm a]\nvcpus = 2\n", ":1: [vm] has no kernel: expected a file"),
    ("[vm a]\nkernel = gone\n", ":2: kernel = gone: expected a file that can be read; gone is none"),
    ("[vm a]\nkernel = .\n", ":2: kernel = .: expected a file"),
    ("[vm a]\nkernel = k\nvcpus = many\n", ":3: vcpus = many: expected a number from 1 to 64"),
    ("[vm a]\nkernel = k\nvcpus = 65\n", ":3: vcpus = 65: expected a number from 1 to 64"),
    ("[vm a]\nkernel = k\nmemory = big\n", ":3: memory = big: expected a size such as 64M or 2G"),
    ("[vm a]\nkernel = k\nautostart = maybe\n", ":3: autostart = maybe: expected one of yes, no"),
    ("[vm a]\nkernel = k\ndisk = k none\n", ":3: disk = k none: expected a file that can be read; none is none"),
    ("[vm a]\nconf = k\nmemory = 64M\n", ":3: memory = 64M: expected no such key beside conf"),
    ("[vm a]\nsuite = potato\n", ":2: suite = potato: expected one of bookworm"),
    ("[vm a]\nsuite = sid\nkernel = k\n", ":3: kernel = k: expected no such key beside suite"),
    ("[vm a]\nsuite = sid\npackages = ok Not_ok\n", ":3: packages = ok Not_ok: expected names of Debian packages; Not_ok is none"),
    ("[vm a]\nkernel = k\npackages = x\n", ":3: packages = x: expected suite = ... beside it"),
    ("[file /a]\nmode = 644\n", ":1: [file] has no source: expected a file"),
    ("[file /a]\nsource = k\nmode = 9\n", ":3: mode = 9: expected three octal digits"),
    ("[file /../a]\nsource = k\n", ":1: [file /../a]: expected a path without .."),
]


def build(folder, text):
    (folder / "m.conf").write_text(text)
    (folder / "k").write_bytes(b"kernel")
    done = subprocess.run([TOOL, str(folder / "m.conf"), str(folder / "out.cpio")], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False, timeout=60)
    return done.returncode, done.stderr.decode()


@pytest.mark.parametrize("text,want", BAD)
def test_bad_manifest(tmp_path, text, want):
    """One line with file, line, key and what was expected; the old archive stays, nothing half-written."""
    (tmp_path / "out.cpio").write_bytes(b"old")
    status, said = build(tmp_path, text)
    assert status == 1 and len(said.splitlines()) == 1
    assert f"{tmp_path}/m.conf{want}" in said
    assert sorted(os.listdir(tmp_path)) == ["k", "m.conf", "out.cpio"]
    assert (tmp_path / "out.cpio").read_bytes() == b"old"


def test_no_room(tmp_path):
    """Writing fails: one line, nothing left."""
    (tmp_path / "m.conf").write_text("[vm a]\nkernel = k\n")
    (tmp_path / "k").write_bytes(bytes(100000))
    done = subprocess.run(["/bin/sh", "-c", f"ulimit -f 20; trap '' XFSZ; exec {TOOL} m.conf out.cpio"], cwd=tmp_path,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=60)
    assert done.returncode == 1 and done.stderr.decode().count("\n") == 1
    assert sorted(os.listdir(tmp_path)) == ["k", "m.conf"]


# In place of mmdebstrap: its last argument is the tar file that it writes.
FAKE_MMDEBSTRAP = """\
#!/bin/sh
for last; do :; done
cp "$ROOT_TAR" "$last"
"""


def make_root(path, files):
    """A tar file as mmdebstrap makes it, {path: (mode, uid, gid, bytes)}."""
    with tarfile.open(path, "w") as tar:
        for name, (mode, uid, gid, data) in files.items():
            e = tarfile.TarInfo("./" + name)
            e.mode, e.uid, e.gid, e.size = mode, uid, gid, len(data)
            tar.addfile(e, io.BytesIO(data))


def build_suite(folder, files, more=""):
    """images/build with a suite whose root file system is `files`: (status, what it said)."""
    (folder / "bin").mkdir(exist_ok=True)
    (folder / "bin" / "mmdebstrap").write_text(FAKE_MMDEBSTRAP)
    (folder / "bin" / "mmdebstrap").chmod(0o755)
    (folder / "m.conf").write_text("[vm a]\nsuite = bookworm\n" + more)
    make_root(folder / "root.tar", files)
    env = dict(os.environ, PATH=f"{folder}/bin:{os.environ['PATH']}", ROOT_TAR=str(folder / "root.tar"))
    done = subprocess.run([TOOL, str(folder / "m.conf"), str(folder / "out.cpio")], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False, timeout=60, env=env)
    return done.returncode, done.stderr.decode().splitlines()[-1]


ROOT = {"boot/vmlinuz-1": (0o644, 0, 0, b"kernel"), "usr/sbin/init": (0o755, 0, 0, b"init"),
        "etc/shadow": (0o640, 0, 42, b"root:*:"), "var/lib/apt/lists/x": (0o644, 0, 0, bytes(5000))}


def test_suite(tmp_path):
    """What becomes of a Debian root: its kernel apart, owners kept, nothing of /boot and of apt's lists."""
    assert build_suite(tmp_path, ROOT)[0] == 0
    listed = subprocess.run(["cpio", "-tv", "--quiet", "-n"], input=(tmp_path / "out.cpio").read_bytes(), stdout=subprocess.PIPE,
                            check=True).stdout.decode()
    assert [line.split()[-1] for line in listed.splitlines()] == ["vms", "vms/a.conf", "guests", "guests/a", "guests/a/kernel",
                                                                  "guests/a/initrd"]
    subprocess.run(["cpio", "-idu", "--quiet"], input=(tmp_path / "out.cpio").read_bytes(), cwd=tmp_path, check=True)
    assert (tmp_path / "guests/a/kernel").read_bytes() == b"kernel"
    inner = subprocess.run(["cpio", "-tv", "--quiet", "-n"], input=(tmp_path / "guests/a/initrd").read_bytes(),
                           stdout=subprocess.PIPE, check=True).stdout.decode()
    assert "boot/" not in inner and "lists/" not in inner
    rows = {line.split()[-1]: line.split() for line in inner.splitlines()}
    assert rows["etc/shadow"][0] == "-rw-r-----" and rows["etc/shadow"][2:4] == ["0", "42"]
    assert rows["init"][0] == "-rwxr-xr-x"


@pytest.mark.parametrize("without,more,want", [
    ("boot/vmlinuz-1", "", ":2: suite = bookworm: expected packages that bring one kernel; there are 0"),
    ("usr/sbin/init", "", ":2: suite = bookworm: expected systemd-sysv or another package with /sbin/init among packages"),
    (None, "memory = 64M\n", ":3: memory = 64M: expected at least 88M, three times the system that runs from it"),
])
def test_bad_suite(tmp_path, without, more, want):
    files = dict(ROOT, **{"big": (0o644, 0, 0, bytes(29 << 20))}) if more else dict(ROOT)
    files.pop(without, None)
    status, said = build_suite(tmp_path, files, more)
    assert status == 1 and want in said, said
    assert not os.path.exists(tmp_path / "out.cpio") and not os.path.exists(tmp_path / "out.cpio.tmp")


MANIFEST = """\
[vm ci]
kernel = {build}/guests/timer.elf
vcpus = 1
memory = 64M
debug-exit = yes

[file /etc/ci.script]
source = script
"""


@pytest.fixture(scope="module")
def unattended(tmp_path_factory):
    subprocess.run(["make", "-s", "guests"], cwd=harness.TREE, check=True, timeout=300)
    folder = tmp_path_factory.mktemp("build")
    (folder / "script").write_text("# by itself\nvm list\nvm start ci\necho script done\n")
    (folder / "m.conf").write_text(MANIFEST.format(build=harness.BUILD))
    for out in ("one.cpio", "two.cpio"):
        firmware.run([TOOL, str(folder / "m.conf"), str(folder / out)])
    assert (folder / "one.cpio").read_bytes() == (folder / "two.cpio").read_bytes()
    return media.archive(folder, str(folder / "one.cpio"))


def test_unattended(machine, unattended):
    """A script at boot starts the VM; its end powers the machine off with its exit code."""
    with machine(config="release", initrd=unattended, append="strata.run=/etc/ci.script strata.exit=ci") as m:
        m.expect(r"\+ vm list", 90)
        m.expect(r"\nci +stopped", 30)
        m.expect(r"\nscript done", 60)
        code = int(m.expect(r"strata.exit: vm ci has ended with (\d+): powering off", 90)[1])
        assert m.wait_exit(60) == (2 * code + 1 if code else 0)


def test_unattended_no_vm(machine, unattended):
    """What can't ever end is said at once."""
    with machine(config="release", initrd=unattended, append="strata.exit=nobody") as m:
        m.expect(r"strata.exit=nobody: no such VM", 90)
        assert m.wait_exit(60) == 2 * 125 + 1
