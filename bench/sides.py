# SPDX-License-Identifier: GPL-2.0-or-later
"""The three sides of the comparison, each in the emulated machine (QEMU, AMD SVM).

A side runs a job: one of the short ones (`boot` and PROGRAMS), or a list of workloads in the Debian guest, and yields
pairs (workload, line) as they come. One that does not get there raises SideFailed with what it said last.
The machine runs under icount: an instruction, of whichever CPU, is a nanosecond, and CPUs take turns.
"""
import functools
import json
import os
import re
import subprocess
import sys

import pexpect

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(TREE, "tests"))
import cpio  # noqa: E402
import harness  # noqa: E402
import watch  # noqa: E402
import workloads  # noqa: E402

BUILD = os.path.join(TREE, "build/bench")
KERNEL = os.path.join(BUILD, "kernel/vmlinux")
INITRD = os.path.join(BUILD, "guest.cpio")
IMAGE = os.path.join(BUILD, "image")
DISK_MIB = 64

# What is said of the time of a short job.
TIMES = {"boot": "boot", "create": "first-instruction", "start": "start-and-end"}

# Guests of our own: the file in build/bench, and its command line.
PROGRAMS = {"create": ("ready.elf", ""), "exit": ("exit.elf", ""), "ipi": ("ipi.elf", ""), "ipi-one-cpu": ("ipi.elf", "one=1"),
            "start": ("nothing.elf", "")}

# The same for the guest on every side, and for KVM's host.
MITIGATIONS = "off (mitigations=off on the command lines of every Linux and of Strata)"
CMDLINE = "console=ttyS0 quiet nokaslr mitigations=off tsc=reliable"
SMALL_MIB, LARGE_MIB = 256, 1024


class SideFailed(Exception):
    """A side did not do its work; the text says what it waited for."""


def program_of(job):
    """(file, command line) of a guest of our own; None: the job is Linux'."""
    return PROGRAMS.get(job[0]) if len(job) == 1 else None


def is_short(job):
    return job == ["boot"] or program_of(job) is not None


def prints_costs(job):
    return job[0] in ("exit", "ipi", "ipi-one-cpu")


def memory_of(job):
    return SMALL_MIB if is_short(job) else LARGE_MIB


def exit_costs(text, workload="exit"):
    """The medians of the lines `NAME MEDIAN MIN MAX` of the guests in bench/exit."""
    rows = expected(r"(?s)exit-cost: begin\s(.*)exit-cost: end", text, "the costs of exits").replace("\r", "")
    for name, median in re.findall(r"(?m)^([a-z0-9-]+) (\d+) \d+ \d+\s*$", rows):
        yield workload, f"{name} {median}"


def guest_files(job, folder):
    """What the guest of a job is made of: place in an archive -> file."""
    if program_of(job):
        name = program_of(job)[0]
        return {f"{folder}/{name}": os.path.join(BUILD, name)}
    files = {f"{folder}/vmlinux": KERNEL, f"{folder}/initrd": INITRD}
    if not is_short(job):
        files[f"{folder}/image"] = IMAGE
    return files


# What QEMU does to KVM's guest (docs/limits.md): the next try may go well.
PANIC, STANDS = "Kernel panic", "it stands"
PANIC_LINE = PANIC + r"[^\r\n]*"


def expect(machine, pattern, limit):
    """The match; a Linux that panics is a failure at once."""
    match = machine.expect([pattern, PANIC_LINE], limit)
    if machine.index:
        raise SideFailed(match[0].decode("utf-8", "replace"))
    return match


def last_line(text):
    return text.strip().splitlines()[-1] if text.strip() else "nothing"


def expected(pattern, text, what):
    match = re.search(pattern, text)
    if not match:
        raise SideFailed(f"expected {what}; last said: {last_line(text)}")
    return match[1]


def job_lines(machine, limit, began=None):
    """(workload, line) for each line `bench: WORKLOAD: LINE` until the guest's end; `began` is called as a workload begins."""
    while True:
        machine.expect([r"bench: ([\w-]+): ([^\r\n]*)\r*\n", r"bench: begin ([\w-]+)", r"bench: end (\d+)",
                        f"({PANIC_LINE})", r"(init: vm [^\r\n]*)"], limit)
        match = machine.child.match
        text = match[1].decode("utf-8", "replace")
        if machine.index == 0:
            yield text, match[2].decode("utf-8", "replace").strip()
        elif machine.index == 1 and began:
            began(machine, text)
        elif machine.index == 2:
            if text != "0":
                raise SideFailed(f"the guest ended with {text}")
            return
        elif machine.index > 2:
            raise SideFailed(text)


def lines_of(text, guests=1):
    """(workload, line) for what guests have said, all of which have come to their end."""
    ends = re.findall(r"bench: end (\d+)", text)
    bad = [end for end in ends if end != "0"]
    if bad:
        raise SideFailed(f"a guest ended with {bad[0]}")
    panic = re.search(PANIC_LINE, text)
    if len(ends) < guests and panic:
        raise SideFailed(panic[0])
    if len(ends) < guests:
        raise SideFailed(f"{len(ends)} of {guests} guests came to their end; last said: {last_line(text)}")
    return re.findall(r"bench: ([\w-]+): ([^\r\n]*)", text)


QEMU = ("qemu-system-x86_64",)  # of this machine


@functools.lru_cache
def version_of(qemu):
    """The first line of what an emulator says of itself."""
    try:
        done = subprocess.run([*qemu, "--version"], capture_output=True, text=True, check=False)
    except OSError as e:
        return f"unknown: {e}"
    return done.stdout.splitlines()[0] if done.stdout else f"unknown: {done.stderr.strip()}"


def divides(qemu):
    """Whether an emulator divides the time of icount among CPUs: else one that computes keeps the others from running."""
    found = re.search(r"version (\d+)\.(\d+)", version_of(qemu))
    return bool(found) and (int(found[1]), int(found[2])) >= (8, 1)


class Side:
    """
    `config`: Strata's build; `shape`: of the machine and its VMs; `perf`: a profile instead of figures; `limit`: seconds of silence;
    `qemu`: the emulator's command, a tuple.
    """

    tries = 1  # how often a job may begin that the emulator spoils
    number = 0  # of this try
    have = ()  # metrics that need no measuring: tries before had them
    extra = ()  # more arguments for the machine
    began = None  # called with the machine and a workload's name as that begins

    def __init__(self, config="release", shape=workloads.ONE, perf=False, limit=1800, qemu=QEMU):
        self.config, self.shape, self.limit, self.qemu = config, shape, limit, qemu
        self.words = " bench.perf" if perf else ""

    def cmdline(self, job, disk):
        """Of the guest's Linux."""
        if job == ["boot"]:
            return f"{CMDLINE} rdinit=/boot"
        again = f" bench.try={self.number}" if self.number else ""
        again += " panic=-1" if self.shape.vms > 1 else ""  # what VMs have said comes when all of them have ended
        again += " nohz=off" if self.shape.vcpus > 1 else ""
        again += f" bench.have={','.join(self.have)}" if self.have else ""
        return f"{CMDLINE} bench.disk={disk} bench.job={','.join(job)}{self.words}{again}"

    def check_turns(self):
        if not divides(self.qemu):
            raise SideFailed(f"several CPUs that compute need QEMU 8.1 (docs/limits.md); there is {version_of(self.qemu)}")

    def folder(self, job):
        """For this job's files: another run may be at work with other ones."""
        path = os.path.join(BUILD, f"{self.name}-{job[0]}")
        os.makedirs(path, exist_ok=True)
        return path

    def machine(self, job, mib, extra=(), **args):
        return harness.Machine(f"bench-{self.name}-{job[0]}", config=self.config, smp=self.shape.cpus, mem=f"{mib}m",
                               icount=True, limit=4 * self.limit, qemu=self.qemu, extra=[*extra, *self.extra], **args)

    def host_mib(self, job):
        """Memory of the machine of a side that runs VMs."""
        return 1024 if is_short(job) else 2048 + self.shape.vms * LARGE_MIB

    def run(self, job):
        if self.shape.cpus > 1 and not program_of(job):
            self.check_turns()
        try:
            yield from self.measure(job)
        except (harness.MachineError, cpio.Missing, OSError, ValueError) as e:
            raise SideFailed(str(e).split("\n---", maxsplit=1)[0]) from e


class Bare(Side):
    name = "bare"

    def measure(self, job):
        if program_of(job) or self.shape.vms > 1:
            return
        extra = [] if job == ["boot"] else ["-drive", f"file={IMAGE},if=none,id=d0,format=raw,snapshot=on",
                                            "-device", "virtio-blk-pci,drive=d0"]
        with self.machine(job, memory_of(job), kernel=KERNEL, initrd=INITRD, extra=extra, console="",
                          append=self.cmdline(job, "/dev/ram0")) as m:
            if job == ["boot"]:
                expect(m, r"boot: tsc (\d+)\r*\n", self.limit)
                yield from self.parse(job, m.text())
            else:
                yield from job_lines(m, self.limit, self.began)
            m.wait_exit(self.limit)

    def parse(self, job, text):
        if job != ["boot"]:
            yield from lines_of(text)
            return
        tsc = expected(r"boot: tsc (\d+)", text, "the kernel's first process to say its TSC")
        yield "boot", f"boot {tsc}"
        yield "boot", f"tsc-at-init {tsc}"


class Kvm(Side):
    """
    The guest in Debian's QEMU with KVM, on Debian's kernel in the same machine. The emulator can deliver an interrupt of KVM's twice, with
    interrupts off (docs/limits.md), and the guest panics, or spins until watch.py sees it. Under icount that repeats exactly, so the next try has
    a word more to read; and it measures only what is still missing.
    """
    name = "kvm"
    tries = 12
    QEMU = "qemu-system-x86_64 -machine q35,usb=off -accel kvm -cpu host -nodefaults -display none -serial stdio -no-reboot " \
           "-device isa-debug-exit,iobase=0xf4,iosize=4"

    # As libvirt's vcpupin and emulatorpin do it: QEMU starts on CPU 0 with its vCPUs held, tells their threads, and goes on when each is on its own CPU.
    PINNED = """\
(
qmp=$(mktemp -u)
mkfifo $qmp.in $qmp.out
exec 3<>$qmp.in 4<>$qmp.out
taskset -c 0 {line} -S -qmp pipe:$qmp &
echo '{{"execute":"qmp_capabilities"}} {{"execute":"query-cpus-fast"}}' >&3
while read -r answer <&4; do
	case $answer in *thread-id*) break ;; esac
done
cpu=1
for thread in $(echo "$answer" | sed 's/"props": {{[^}}]*}}//g' | grep -o '"thread-id": *[0-9]*' | grep -o '[0-9]*$'); do
	taskset -p -c $cpu $thread || {{ kill $!; break; }}
	cpu=$((cpu + 1))
done
echo '{{"execute":"cont"}}' >&3
wait $!
)
"""

    def linux(self, job, base):
        """QEMU's command line for one VM with Linux."""
        line = f"{base} -kernel /guest/vmlinux -initrd /guest/initrd -append '{self.cmdline(job, '/dev/vdb')}'"
        if is_short(job):
            return line
        # Two VMs have one image: each its own layer over it.
        over = ",snapshot=on" if self.shape.vms > 1 else ""
        for n, path in enumerate(["/guest/image" + over, "/tmp/disk" + over]):
            line += f" -object iothread,id=io{n} -drive file={path},if=none,id=d{n},format=raw,cache=writeback,aio=threads" \
                    f" -device virtio-blk-pci,drive=d{n},iothread=io{n}"
        return line

    def host_job(self, job):
        base = f"{self.QEMU} -smp {self.shape.vcpus} -m {memory_of(job)}"
        if program_of(job):
            name, words = program_of(job)
            line = f"{base} -kernel /guest/{name}" + (f" -append '{words}'" if words else "")
            if job == ["create"]:  # guest memory in a file, so that what is anonymous is beside it
                return f"/bin/stamp --first {line} -machine memory-backend=ram -object memory-backend-memfd,id=ram,size={SMALL_MIB}M\n"
            if self.shape.pinned:
                return self.PINNED.format(line=line)
            return f"/bin/stamp {line}\n" if job == ["start"] else f"{line}\n"
        line = self.linux(job, base)
        if job == ["boot"]:
            return f"/bin/stamp {line}\n"
        disk = f"dd if=/dev/zero of=/tmp/disk bs=1M count={DISK_MIB} 2>/dev/null\nmkdir -p /var/tmp\n"  # QEMU has its layers there
        if self.shape.vms == 1:
            return f"{disk}{line}\n"
        numbers = range(self.shape.vms)
        return disk + "".join(f"{line} </dev/null >/tmp/vm{n} 2>&1 &\n" for n in numbers) + "wait\ncat " + \
            " ".join(f"/tmp/vm{n}" for n in numbers) + "\n"

    def host(self, folder, job):
        """The host's initramfs with this job in it."""
        import mkhost  # pylint: disable=import-outside-toplevel
        release = cpio.read(os.path.join(BUILD, "kernel/release")).decode().strip()
        script = os.path.join(folder, "job")
        with open(script, "w", encoding="utf-8") as f:
            f.write(self.host_job(job))
        files = {"/job": script, **{f"/bin/{name}": os.path.join(BUILD, name) for name in ("online", "stamp")}, **guest_files(job, "/guest")}
        archive = mkhost.make(os.path.join(BUILD, "kernel/lib/modules", release), files)
        path = os.path.join(folder, "host.cpio")
        archive.save(path)
        return path

    def measure(self, job):
        initrd = self.host(self.folder(job), job)
        with self.machine(job, self.host_mib(job), kernel=KERNEL, initrd=initrd, console="", append=CMDLINE + self.host_words()) as m:
            with watch.Watch(m) as w:
                try:
                    yield from self.listen(job, m)
                except harness.MachineError as e:
                    if w.found:
                        raise SideFailed(f"{STANDS}: {w.found}") from e
                    raise

    def host_words(self):
        """On the host's command line: kvm/online.c says why."""
        return f" maxcpus=1 bench_online={self.shape.cpus}" if self.shape.cpus > 1 and not divides(self.qemu) else ""

    def listen(self, job, m):
        m.expect(r"host: 6[^\r\n]*[\r\n]", self.limit)
        live = not is_short(job) and self.shape.vms == 1
        if live:
            yield from job_lines(m, self.limit, self.began)
        expect(m, r"host: job ended with \d+", 4 * self.limit)
        if not live:
            yield from self.parse(job, m.text())
        m.wait_exit(self.limit)

    def parse(self, job, text):
        if prints_costs(job):
            return exit_costs(text, job[0])
        return self.short_job(job[0], text) if is_short(job) else lines_of(text, self.shape.vms)

    def short_job(self, name, text):
        if name == "boot":
            yield "boot", f"tsc-at-init {expected(r'boot: tsc ([0-9]+)', text, 'the guest to say its TSC')}"
        ns = expected(r"stamp: (\d+) ns", text, "the time of QEMU's process")
        status = expected(r"anonymous, status (-?\d+)", text, "the status of QEMU's process")
        # create: what it said came, and it was killed then. Else what isa-debug-exit makes of 0.
        if status != ("-9" if name == "create" else "1"):
            raise SideFailed(f"QEMU ended with {status}")
        if name == "create":
            yield name, f"memory-beside {expected(r'([0-9]+) KiB anonymous', text, 'the memory of the process')}"
        yield name, f"{TIMES[name]} {ns}"


def objects(text):
    """The JSON objects that a script's commands have printed, a line each."""
    return [json.loads(line) for line in re.findall(r"(?m)^(\{.*\})\s*$", text)]


def created(text):
    """From the command before `vm start` to the first stay in the guest, and what the machine has less of beside the guest's memory."""
    found = objects(text)
    begin = next((o["uptime_ns"] for o in found if "cmdline" in o), None)
    first = next((o["ns"] for o in found if o.get("kind") == "guest"), None)
    hosts = [o for o in found if o.get("kind") == "host"]
    if None in (begin, first) or len(hosts) != 2:
        raise SideFailed(f"expected host, guest and memory among {len(found)} objects; last said: {last_line(text)}")
    before, during = hosts
    beside = before["free"] - during["free"] - (during["guest"] - before["guest"])
    yield "create", f"first-instruction {first - begin}"
    yield "create", f"memory-beside {beside / 1024:.0f}"


class Strata(Side):
    name = "strata"

    def configuration(self, job):
        lines = ["[vm]", f"vcpus = {self.shape.vcpus}", f"memory = {memory_of(job)}M", "reboot = stop"]
        if self.shape.pinned:
            lines.append("cpus = dedicated")
        if program_of(job):
            name, words = program_of(job)
            lines += [f"kernel = /guests/{name}"] + ([f"cmdline = {words}"] if words else [])
        else:
            lines += ["kernel = /guests/vmlinux", "initrd = /guests/initrd", f"cmdline = {self.cmdline(job, '/dev/vdb')}"]
        lines += ["[debug-exit]", "port = 0xf4"]
        if not is_short(job):
            lines += ["[disk 0]", "file = /guests/image", "[disk 1]", f"size = {DISK_MIB}M"]
        return "\n".join(lines) + "\n"

    def names(self, job):
        return [f"{job[0]}{n}" for n in range(self.shape.vms)]

    def commands(self, job):
        """For what nobody types: what is typed comes when it comes, and no run would be like the other."""
        names = self.names(job)
        if job == ["create"]:
            return ["trace on", "mem --json", "host show --json", f"vm start {names[0]}", "sleep 0.05", "trace off", "trace show 2000 --json", "mem --json",
                    f"vm kill {names[0]}", f"wait {names[0]}"]
        lines = [f"vm start {name}" for name in names]
        lines += [f"wait {name} --timeout {4 * self.limit}" for name in names]
        return lines + [line for name in names for line in (f"vm show {name} --json", f"vm log {name}")]

    def add_files(self, archive, job):
        for name in self.names(job):
            archive.add(f"/vms/{name}.conf", self.configuration(job).encode())
        for dest, source in guest_files(job, "/guests").items():
            archive.add_file(dest, source)

    def archive(self, folder, job):
        archive = cpio.Archive()
        self.add_files(archive, job)
        archive.add("/etc/bench", "\n".join([*self.commands(job), "poweroff", ""]).encode())
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
        archive = self.archive(self.folder(job), job)
        if is_short(job) or self.shape.vms > 1:
            yield from self.unattended(archive, job)
            return
        with self.machine(job, self.host_mib(job), initrd=archive, append="mitigations=off") as m:
            m.expect(r"strata> ", self.limit)
            name = self.names(job)[0]
            self.command(m, f"vm start {name}")
            m.sendline(f"vm console {name}")
            yield from job_lines(m, self.limit, self.began)
            m.expect(r"strata> ", self.limit)
            m.sendline("poweroff")
            m.wait_exit(self.limit)

    def unattended(self, archive, job):
        with self.machine(job, self.host_mib(job), initrd=archive, append="mitigations=off strata.run=/etc/bench") as m:
            # A script ends at its first command that fails; then there is a prompt.
            if m.child.expect([pexpect.EOF, pexpect.TIMEOUT, b"strata> "], timeout=4 * self.limit * harness.TIME_SCALE):
                raise SideFailed(f"the script did not come to its end: {last_line(m.text().removesuffix('strata> '))}")
            m.stop()
            yield from self.parse(job, m.text())

    def parse(self, job, text):
        if prints_costs(job):
            return exit_costs(text, job[0])
        if not is_short(job):
            return lines_of(text, self.shape.vms)
        return created(text) if job == ["create"] else self.ended(job[0], text, self.names(job)[0])

    def ended(self, job, text, name):
        vm = next((o for o in objects(text) if o.get("name") == name and "state" in o), None)
        if not vm:
            raise SideFailed(f"expected the object of vm show; last said: {last_line(text)}")
        if vm["state"] != "stopped" or "debug-exit" not in vm["reason"]:
            raise SideFailed(f"{name}: {vm['state']}: {vm['reason']}")
        if job == "boot":
            yield "boot", f"tsc-at-init {expected(r'boot: tsc ([0-9]+)', text, 'the guest to say its TSC')}"
        yield job, f"{TIMES[job]} {vm['ran_ns']}"


SIDES = {side.name: side for side in (Bare, Kvm, Strata)}
