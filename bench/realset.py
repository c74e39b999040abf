#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes what a real server boots to run the comparison: a hybrid image for a USB stick or CD, and a folder for network boot.

    realset.py [--only NAME,...] [--config release] [--speed 115200] --output FOLDER

GRUB asks on the first serial port which side to start; collect.py answers it from another machine, and reads what the side says. Each side runs
all of its jobs and reboots. FOLDER gets set.iso, net/ and set.json, which tells collect.py what there is.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "kvm"))
import cpio  # noqa: E402
import mkhost  # noqa: E402
import run  # noqa: E402
import sides  # noqa: E402
import workloads  # noqa: E402

GRUB = """\
serial --unit=0 --speed={speed}
terminal_input serial
terminal_output serial
while true; do
	echo 'bench-set: which side?'
	read side
{sides}	echo "bench-set: $side: expected {names}"
done
"""
ENTRY = """\
	if [ "$side" = {name} ]; then
		linux /set/{kernel} console=ttyS0,{speed}n8 {words}
		initrd {initrds}
		boot
	fi
"""


def is_inside(job):
    return not sides.is_short(job)


LINUX = sides.CMDLINE.replace("console=ttyS0 ", "") + " bench_end=reboot"


def bare_jobs(jobs, known):
    """What the bare machine can do, with one CPU: no VMs; all that runs in Linux in one boot of it."""
    inside = [name for job in jobs if is_inside(job) for name in job if known[name].shape == workloads.ONE]
    return [job for job in ([["boot"]] if ["boot"] in jobs else []) + [inside] if job]


def entries(jobs, known):
    """(name, kernel, command line, archives) of what GRUB can start."""
    for job in bare_jobs(jobs, known):
        if job == ["boot"]:
            yield "bare-boot", "vmlinuz", f"{LINUX} nr_cpus=1 rdinit=/boot", ["guest.cpio"]
        else:
            yield "bare", "vmlinuz", f"{LINUX} nr_cpus=1 bench.disk=/dev/ram0 bench.job={','.join(job)}", ["guest.cpio", "image.cpio"]
    yield "kvm", "vmlinuz", LINUX, ["kvm.cpio"]
    yield "strata", "strata", "mitigations=off strata.run=/etc/bench", ["strata.cpio"]


def grub_config(jobs, known, speed):
    found = list(entries(jobs, known))
    text = "".join(ENTRY.format(name=name, kernel=kernel, speed=speed, words=words, initrds=" ".join(f"/set/{a}" for a in archives))
                   for name, kernel, words, archives in found)
    return GRUB.format(speed=speed, sides=text, names=", ".join(f[0] for f in found))


def save_image(path):
    archive = cpio.Archive()
    archive.add_file("/disk", sides.IMAGE)
    archive.save(path)


def save_kvm(jobs, known, folder, path):
    script, files = "", {"/bin/stamp": os.path.join(sides.BUILD, "stamp")}
    for job in jobs:
        side = sides.Kvm(shape=known[job[0]].shape)
        script += f"echo 'bench-set: job {','.join(job)}'\n{side.host_job(job)}"
        files.update(sides.guest_files(job, "/guest"))
    files["/job"] = os.path.join(folder, "job")
    with open(files["/job"], "w", encoding="utf-8") as f:
        f.write(script)
    release = cpio.read(os.path.join(sides.BUILD, "kernel/release")).decode().strip()
    mkhost.make(os.path.join(sides.BUILD, "kernel/lib/modules", release), files).save(path)
    os.remove(files["/job"])


def save_strata(jobs, known, config, path):
    archive, lines = cpio.Archive(), []
    for job in jobs:
        side = sides.Strata(shape=known[job[0]].shape)
        side.add_files(archive, job)
        lines += [f"echo bench-set: job {','.join(job)}", *side.commands(job)]
    archive.add("/etc/bench-jobs", ("\n".join(lines) + "\n").encode())
    archive.add("/etc/bench", b"run /etc/bench-jobs --keep-going\n")
    with open(path, "wb") as f:
        f.write(cpio.read(sides.harness.image(config, "strata.cpio")))
        archive.write(f)


def tool(*argv):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise cpio.Missing(f"{argv[0]}: {done.stdout.strip()}")


def make(jobs, known, config, speed, output):
    net = os.path.join(output, "net")
    shutil.rmtree(output, ignore_errors=True)
    os.makedirs(f"{net}/set")
    os.makedirs(f"{net}/boot/grub")
    shutil.copy(os.path.join(sides.BUILD, "kernel/vmlinuz"), f"{net}/set/vmlinuz")
    shutil.copy(sides.harness.image(config), f"{net}/set/strata")
    shutil.copy(sides.INITRD, f"{net}/set/guest.cpio")
    if any(is_inside(job) for job in jobs):
        save_image(f"{net}/set/image.cpio")
    save_kvm(jobs, known, output, f"{net}/set/kvm.cpio")
    save_strata(jobs, known, config, f"{net}/set/strata.cpio")
    with open(f"{net}/boot/grub/grub.cfg", "w", encoding="utf-8") as f:
        f.write(grub_config(jobs, known, speed))
    tool("grub-mkrescue", "-o", os.path.join(output, "set.iso"), net)
    tool("grub-mknetdir", f"--net-directory={net}", "--subdir=boot/grub")
    with open(os.path.join(output, "set.json"), "w", encoding="utf-8") as f:
        json.dump({"commit": run.commit(), "config": config, "speed": speed, "jobs": jobs, "bare": bare_jobs(jobs, known)}, f, indent=1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=lambda s: s.split(","), metavar="NAME,...")
    parser.add_argument("--config", default="release")
    parser.add_argument("--speed", type=int, default=115200)
    parser.add_argument("--output", required=True, metavar="FOLDER")
    args = parser.parse_args()
    try:
        known = workloads.load()
        jobs = run.jobs_of(run.choose(known, args.only))
        make(jobs, known, args.config, args.speed, args.output)
    except (OSError, cpio.Missing, workloads.BadWorkload, sides.harness.MachineError) as e:
        sys.exit(f"realset: {e}")
    print(f"{args.output}/set.iso (USB stick or CD), {args.output}/net (network boot)")


if __name__ == "__main__":
    main()
