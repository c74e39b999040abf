# SPDX-License-Identifier: GPL-2.0-or-later
"""The CI job that images/README.md shows, by its own text: a guest of one's own, an image, a headless run, an exit code. Part of
make check-boot."""
import gzip
import os
import re
import shutil
import subprocess

import firmware
import harness

README = os.path.join(harness.TREE, "images", "README.md")

# The guest under test: says so and ends with 3.
INIT = """\
#!/bin/busybox sh
/bin/busybox mkdir /dev
/bin/busybox mount -t devtmpfs dev /dev
echo "the job runs"
printf '\\003' | /bin/busybox dd of=/dev/port bs=1 seek=$((0xf4)) conv=notrunc
exec /bin/busybox sleep 100000
"""


def blocks(title):
    """The indented blocks of one chapter."""
    with open(README, encoding="utf-8") as f:
        chapter = re.search(rf"(?ms)^## {re.escape(title)}\n(.*?)(?=^## |\Z)", f.read())[1]
    return [re.sub(r"(?m)^    ", "", text) for text in re.findall(r"(?m)(?:^    .*\n)(?:(?:    .*)?\n)*", chapter)]


def make_guest(folder):
    (folder / "init").write_text(INIT)
    (folder / "init").chmod(0o755)
    plain = folder / "initrd"
    firmware.run([os.path.join(harness.TREE, "packaging", "mkarchive"), folder / "root", plain, f"init={folder}/init",
                  "bin/busybox=/bin/busybox"])
    (folder / "job-initrd.gz").write_bytes(gzip.compress(plain.read_bytes()))
    shutil.copy(os.path.join(harness.BUILD, "demo", "kernel", "vmlinux"), folder / "vmlinuz")


def test_job(tmp_path):
    manifest, job = blocks("A CI job")
    make_guest(tmp_path)
    (tmp_path / "job.conf").write_text(manifest)
    assert job.count("job.conf") == 1 and job.count("job.cpio") == 2 and job.count("timeout 600 ") == 1
    script = re.sub(r"\bjob\.(conf|cpio)", rf"{tmp_path}/job.\1", job)
    script = script.replace("timeout 600 ", f"timeout {600 * harness.TIME_SCALE:.0f} ")
    done = subprocess.run(["sh", "-e", "-c", script], cwd=harness.TREE, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, preexec_fn=harness.die_with_parent)
    said = done.stdout.decode("utf-8", "replace")
    with open(harness.log_path("", ".serial.log"), "w", encoding="utf-8") as f:
        f.write(said)
    assert re.search(r"strata.exit: vm job has ended with 3: powering off", said), said[-3000:]
    assert done.returncode == 2 * 3 + 1, said[-3000:]
