# SPDX-License-Identifier: GPL-2.0-or-later
"""The three sides of the comparison, each in the emulated machine (QEMU, AMD SVM).

A side runs a job: `boot`, `start`, or a list of workloads in the Debian guest, and yields pairs
(workload, line) as they come. One that does not get there raises SideFailed with what it said last.
With `cpus` 1 the machine runs under icount: an instruction is a nanosecond, and a run repeats exactly.
"""
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(TREE, "tests"))
import cpio  # noqa: E402
import harness  # noqa: E402

BUILD = os.path.join(TREE, "build/bench")
KERNEL = os.path.join(BUILD, "kernel/vmlinux")
INITRD = os.path.join(BUILD, "guest.cpio")
IMAGE = os.path.join(BUILD, "image")
NOTHING = os.path.join(BUILD, "nothing.elf")
EXIT = os.path.join(BUILD, "exit.elf")
DISK_MIB = 64

# The same for the guest on every side, and for KVM's host.
MITIGATIONS = "off (mitigations=off on the command lines of every Linux and of Strata)"
CMDLINE = "console=ttyS0 quiet nokaslr mitigations=off tsc=reliable"
SMALL_MIB, LARGE_MIB = 256, 1024


class SideFailed(Exception):
    """A side did not do its work; the text says what it waited for."""


def guest_cmdline(job, disk):
    if job == ["boot"]:
        return f"{CMDLINE} rdinit=/boot"
    return f"{CMDLINE} bench.disk={disk} bench.job={','.join(job)}"


def is_short(job):
    return job in (["boot"], ["start"], ["exit"])


def memory_of(job):
    return SMALL_MIB if is_short(job) else LARGE_MIB


def exit_costs(text):
    """The medians of the exit-cost guest's lines `NAME MEDIAN MIN MAX`."""
    rows = expected(r"(?s)exit-cost: begin\s(.*)exit-cost: end", text, "the costs of exits").replace("\r", "")
    for name, median in re.findall(r"(?m)^([a-z0-9-]+) (\d+) \d+ \d+\s*$", rows):
        yield "exit", f"{name} {median}"


def expect(machine, pattern, limit):
    """The match; a Linux that panics is a failure at once."""
    match = machine.expect([pattern, r"Kernel panic[^\r\n]*"], limit)
    if machine.index:
        raise SideFailed(match[0].decode("utf-8", "replace"))
    return match


def expected(pattern, text, what):
    match = re.search(pattern, text)
    if not match:
        raise SideFailed(f"expected {what}; last said: {text.strip().splitlines()[-1] if text.strip() else 'nothing'}")
    return match[1]


def job_lines(machine, limit):
    """(workload, line) for each line `bench: WORKLOAD: LINE` until the guest's end."""
    while True:
        machine.expect([r"bench: ([\w-]+): ([^\r\n]*)\r*\n", r"bench: begin ([\w-]+)", r"bench: end (\d+)",
                        r"(Kernel panic[^\r\n]*)", r"(init: vm [^\r\n]*)"], limit)
        match = machine.child.match
        text = match[1].decode("utf-8", "replace")
        if machine.index == 0:
            yield text, match[2].decode("utf-8", "replace").strip()
        elif machine.index == 2:
            if text != "0":
                raise SideFailed(f"the guest ended with {text}")
            return
        elif machine.index > 2:
            raise SideFailed(text)


class Side:
    """`config`: Strata's build; `cpus`: of the machine and of the guest; `limit`: seconds of silence."""

    def __init__(self, config="release", cpus=1, guest_cpus=None, limit=1800):
        self.config, self.cpus, self.limit = config, cpus, limit
        self.guest_cpus = guest_cpus or cpus

    def machine(self, mib, **args):
        return harness.Machine(f"bench-{self.name}", config=self.config, smp=self.cpus, mem=f"{mib}m",
                               icount=self.cpus == 1, limit=4 * self.limit, **args)

    def run(self, job):
        try:
            yield from self.measure(job)
        except (harness.MachineError, cpio.Missing, OSError, ValueError) as e:
            raise SideFailed(str(e).split("\n---", maxsplit=1)[0]) from e


class Bare(Side):
    name = "bare"

    def measure(self, job):
        if job in (["start"], ["exit"]):
            return
        extra = [] if job == ["boot"] else ["-drive", f"file={IMAGE},if=none,id=d0,format=raw,snapshot=on",
                                            "-device", "virtio-blk-pci,drive=d0"]
        with self.machine(memory_of(job), kernel=KERNEL, initrd=INITRD, extra=extra, console="",
                          append=guest_cmdline(job, "/dev/ram0")) as m:
            if job == ["boot"]:
                tsc = expect(m, r"boot: tsc (\d+)\r*\n", self.limit)[1].decode()
                yield "boot", f"boot {tsc}"
                yield "boot", f"tsc-at-init {tsc}"
            else:
                yield from job_lines(m, self.limit)
            m.wait_exit(60)


class Kvm(Side):
    """The guest in Debian's QEMU with KVM, on Debian's kernel in the same machine."""
    name = "kvm"
    QEMU = "qemu-system-x86_64 -machine q35,usb=off -accel kvm -cpu host -nodefaults -display none -serial stdio -no-reboot " \
           "-device isa-debug-exit,iobase=0xf4,iosize=4"

    def host_job(self, job):
        base = f"{self.QEMU} -smp {self.guest_cpus} -m {memory_of(job)}"
        if job == ["start"]:
            return f"/bin/stamp {base} -kernel /guest/nothing.elf\n"
        if job == ["exit"]:
            return f"{base} -kernel /guest/exit.elf\n"
        line = f"{base} -kernel /guest/vmlinux -initrd /guest/initrd -append '{guest_cmdline(job, '/dev/vdb')}'"
        if job == ["boot"]:
            return f"/bin/stamp {line}\n"
        disks = ["/guest/image", "/tmp/disk"]
        for n, path in enumerate(disks):
            line += f" -object iothread,id=io{n} -drive file={path},if=none,id=d{n},format=raw,cache=writeback,aio=threads" \
                    f" -device virtio-blk-pci,drive=d{n},iothread=io{n}"
        return f"dd if=/dev/zero of=/tmp/disk bs=1M count={DISK_MIB} 2>/dev/null\n{line}\n"

    def host(self, folder, job):
        """The host's initramfs with this job in it."""
        import mkhost  # pylint: disable=import-outside-toplevel
        release = cpio.read(os.path.join(BUILD, "kernel/release")).decode().strip()
        script = os.path.join(folder, "job")
        with open(script, "w", encoding="utf-8") as f:
            f.write(self.host_job(job))
        files = {"/job": script, "/bin/stamp": os.path.join(BUILD, "stamp"), "/guest/vmlinux": KERNEL,
                 "/guest/initrd": INITRD, "/guest/nothing.elf": NOTHING}
        if job == ["exit"]:
            files["/guest/exit.elf"] = EXIT
        if memory_of(job) == LARGE_MIB:
            files["/guest/image"] = IMAGE
        archive = mkhost.make(os.path.join(BUILD, "kernel/lib/modules", release), files)
        path = os.path.join(folder, "host.cpio")
        archive.save(path)
        return path

    def measure(self, job):
        mib = 1024 if memory_of(job) == SMALL_MIB else 3072
        folder = os.path.join(BUILD, "kvm-host")
        os.makedirs(folder, exist_ok=True)
        with self.machine(mib, kernel=KERNEL, initrd=self.host(folder, job), console="", append=CMDLINE) as m:
            m.expect(r"host: 6[^\r\n]*[\r\n]", self.limit)
            if job == ["exit"]:
                m.expect(r"exit-cost: end", self.limit)
                yield from exit_costs(m.text())
            elif is_short(job):
                yield from self.short_job(m, job[0])
            else:
                yield from job_lines(m, self.limit)
            m.expect(r"host: job ended with \d+", self.limit)
            m.wait_exit(60)


    def short_job(self, m, name):
        if name == "boot":
            yield "boot", f"tsc-at-init {expect(m, r'boot: tsc ([0-9]+)', self.limit)[1].decode()}"
        match = expect(m, r"stamp: (\d+) ns, (\d+) KiB anonymous, status (-?\d+)", self.limit)
        if match[3] != b"1":  # what isa-debug-exit makes of 0
            raise SideFailed(f"QEMU ended with {match[3].decode()}")
        yield name, f"{'boot' if name == 'boot' else 'start-and-end'} {match[1].decode()}"


class Strata(Side):
    name = "strata"

    def configuration(self, job):
        lines = ["[vm]", f"vcpus = {self.guest_cpus}", f"memory = {memory_of(job)}M", "reboot = stop"]
        if job in (["start"], ["exit"]):
            lines.append("kernel = /guests/" + ("exit.elf" if job == ["exit"] else "nothing.elf"))
        else:
            lines += ["kernel = /guests/vmlinux", "initrd = /guests/initrd", f"cmdline = {guest_cmdline(job, '/dev/vdb')}"]
        lines += ["[debug-exit]", "port = 0xf4"]
        if memory_of(job) == LARGE_MIB:
            lines += ["[disk 0]", "file = /guests/image", "[disk 1]", f"size = {DISK_MIB}M"]
        return "\n".join(lines) + "\n"

    def archive(self, folder, job):
        archive = cpio.Archive()
        archive.add("/vms/bench.conf", self.configuration(job).encode())
        archive.add("/etc/bench", (f"vm start bench\nwait bench --timeout {self.limit}\nvm show bench --json\nvm log bench\n"
                                   "poweroff\n").encode())
        files = {"/guests/vmlinux": KERNEL, "/guests/initrd": INITRD, "/guests/nothing.elf": NOTHING}
        if job == ["exit"]:
            files["/guests/exit.elf"] = EXIT
        if memory_of(job) == LARGE_MIB:
            files["/guests/image"] = IMAGE
        for dest, source in files.items():
            archive.add_file(dest, source)
        path = os.path.join(folder, "strata.cpio")
        with open(path, "wb") as f:
            f.write(cpio.read(harness.image(self.config, "strata.cpio")))
            archive.write(f)
        return path

    def command(self, m, line):
        m.sendline(line)
        m.expect("\n", self.limit)
        m.expect(r"strata> ", self.limit)
        return re.sub(r"\x1b\[\??[0-9;]*[A-Za-z]", "", m.before()).replace("\r", "")

    def measure(self, job):
        mib = 1024 if memory_of(job) == SMALL_MIB else 3072
        folder = os.path.join(BUILD, "strata-host")
        os.makedirs(folder, exist_ok=True)
        archive = self.archive(folder, job)
        if is_short(job):
            yield from self.short_job(mib, archive, job[0])
            return
        with self.machine(mib, initrd=archive, append="mitigations=off") as m:
            m.expect(r"strata> ", self.limit)
            self.command(m, "vm start bench")
            m.sendline("vm console bench")
            yield from job_lines(m, self.limit)
            m.expect(r"strata> ", self.limit)
            m.sendline("poweroff")
            m.wait_exit(60)

    def short_job(self, mib, archive, name):
        """By a script: what is typed comes when it comes, and no run would be like the other."""
        with self.machine(mib, initrd=archive, append="mitigations=off strata.run=/etc/bench") as m:
            m.wait_exit(self.limit)
            text = m.text()
        if name == "exit":
            yield from exit_costs(text)
            return
        vm = json.loads(expected(r"(?m)^(\{.*\})\s*$", text, "the object of vm show"))
        if vm["state"] != "stopped" or "debug-exit" not in vm["reason"]:
            raise SideFailed(f"bench: {vm['state']}: {vm['reason']}")
        if name == "boot":
            yield "boot", f"tsc-at-init {expected(r'boot: tsc ([0-9]+)', text, 'the guest to say its TSC')}"
        yield name, f"{'boot' if name == 'boot' else 'start-and-end'} {vm['ran_ns']}"


SIDES = {side.name: side for side in (Bare, Kvm, Strata)}
