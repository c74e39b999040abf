# SPDX-License-Identifier: GPL-2.0-or-later
"""Whole machines for tests: QEMU (AMD) and Bochs (Intel) that boot Strata and talk over COM1.

    with Machine(smp=4, append="selftest") as m:
        m.expect(r"selftest: (\\d+) passed", timeout=60)
        assert m.wait_exit() == 0

Everything has a limit in seconds, times STRATA_TIME_SCALE (for a slow or busy computer). Serial
output is kept in build/test-logs/. A machine ends with its `with` block, with the test run, or
with the process that started it, whichever comes first.
"""
import ctypes
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pexpect

TREE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(TREE, "build")
LOGS = os.path.join(BUILD, "test-logs")
TIME_SCALE = float(os.environ.get("STRATA_TIME_SCALE", "1"))

# What the kernel prints when it gives up; expect() fails at once on it instead of at the limit.
PANIC = r"(?m)^(?:\[[^\]\r\n]*\] *)?(?:\w+: )?panic: [^\r\n]*"

# QEMU's CPUs with controls against speculation, which TCG announces only when it is forced to and then takes writes of without doing
# anything (SPEC_CTRL reads 0). What EPYC has beside them and TCG lacks must not be forced.
FORCED_CPU = ("EPYC,+svm,+npt,x-force-features=on,-rdseed,-sha-ni,-fxsr-opt,-misalignsse,-3dnowprefetch,-osvw,-topoext,-nrip-save,"
              "-xsavec,")
MITIGATED_CPU = FORCED_CPU + "+ibpb,+ibrs,+amd-stibp,+amd-ssbd"
VERW_CPU = FORCED_CPU + "vendor=GenuineIntel,+md-clear,+spec-ctrl,+stibp"

# Machines of the running test, for its failure report (conftest.py empties this).
started = []


class MachineError(AssertionError):
    """The machine did not do what the test waited for."""


def die_with_parent(stderr=None):
    """In the child, before exec: have the kernel kill it when its parent ends."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if stderr is not None:
        os.dup2(os.open(stderr, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), 2)


def log_path(name, suffix):
    os.makedirs(LOGS, exist_ok=True)
    test = os.environ.get("PYTEST_CURRENT_TEST", "manual").split(" ")[0]
    test = re.sub(r"[^A-Za-z0-9_.-]+", "-", test.replace("tests/", "").replace(".py::", "-"))
    number = len(started)
    return os.path.join(LOGS, "-".join(filter(None, [test, name, str(number) if number else ""])) + suffix)


def image(config, name="strata"):
    """The path of a built file; fails clearly if it was not built."""
    path = os.path.join(BUILD, config, name)
    if not os.path.exists(path):
        raise MachineError(f"{path} does not exist: run make CONFIG={config}")
    return path


def tail(path, lines=60):
    try:
        with open(path, "rb") as f:
            text = f.read().decode("utf-8", "replace").replace("\r", "")
    except OSError as e:
        return str(e)
    return "\n".join(text.splitlines()[-lines:])


class Serial:
    """What both kinds of machine share: a log of COM1 and the failure messages."""

    def fail(self, what):
        raise MachineError(f"{self.describe()}: {what}\n--- end of {self.log} ---\n{tail(self.log)}")

    def describe(self):
        return self.name

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()


class Machine(Serial):
    """A QEMU machine (TCG, AMD SVM) with COM1 on a pty.

    config   build configuration: "debug" or "release"
    smp      number of CPUs          mem      RAM, as QEMU's -m
    cpu      QEMU's -cpu             append   kernel command line, after console=ttyS0
    kernel   image (default: the configuration's); None with `kernel=False`: boot from `extra`
    initrd   boot archive (default: the configuration's; False: none)
    icount   deterministic: -icount shift=0, virtual clock; several CPUs take turns (docs/figures.md). N: shift=N-1, 2^(N-1) ns an instruction
    extra    more arguments for QEMU
    wrap     the command that starts QEMU (`ip netns exec NAME`)
    qemu     QEMU itself, and its first arguments
    limit    seconds after which the machine is ended whatever it does
    """

    def __init__(self, name="", config="debug", smp=2, mem="1g", cpu="EPYC,+svm,+npt", append="",
                 kernel=True, initrd=True, icount=False, extra=(), machine="q35", limit=600,
                 console="console=ttyS0", wrap=(), qemu=("qemu-system-x86_64",)):
        self.name = name or f"qemu smp={smp} mem={mem} {config}"
        self.log = log_path(name, ".serial.log")
        self.folder = tempfile.mkdtemp(prefix="strata-test-")
        self.qmp_path = os.path.join(self.folder, "qmp")
        self.deadline = time.monotonic() + limit * TIME_SCALE
        argv = ["-machine", machine, "-cpu", cpu, "-smp", str(smp), "-m", mem, "-no-reboot",
                "-display", "none", "-monitor", "none", "-net", "none",
                "-chardev", "stdio,id=com1,signal=off", "-serial", "chardev:com1",
                "-qmp", f"unix:{self.qmp_path},server=on,wait=off",
                "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
        if icount:
            argv += ["-accel", "tcg,thread=single", "-icount", f"shift={int(icount) - 1},sleep=off",
                     "-rtc", "base=2026-01-01,clock=vm", "-seed", "1"]
        else:
            argv += ["-accel", "tcg,thread=multi"]
        if kernel:
            argv += ["-kernel", image(config) if kernel is True else kernel,
                     "-append", f"{console} {append}".strip()]
            if initrd:
                argv += ["-initrd", image(config, "strata.cpio") if initrd is True else initrd]
        argv += list(extra)
        self.argv = [*wrap, *qemu] + argv
        self.logfile = open(self.log, "wb")
        # QEMU's own messages go to a file of their own, so that COM1's log is what the guest wrote.
        self.child = pexpect.spawn(self.argv[0], self.argv[1:], timeout=30, maxread=65536, echo=False,
                                   preexec_fn=lambda: die_with_parent(self.log + ".qemu"),
                                   dimensions=(24, 200))
        started.append(self)
        self.child.logfile_read = self.logfile
        self.child.delaybeforesend = None
        self.child.delayafterclose = 0.01
        self.child.delayafterterminate = 0.01

    def expect(self, pattern, timeout=30, allow_panic=False):
        """Wait until `pattern` (a regular expression or a list of them) appears; returns the match.

        For a list the index of the pattern that matched is in `self.index`. A panic line, the end
        of the machine and the limit are failures.
        """
        patterns = [pattern] if isinstance(pattern, str) else list(pattern)
        wanted = [p.encode() for p in patterns]
        bad = [pexpect.EOF, pexpect.TIMEOUT] + ([] if allow_panic else [PANIC.encode() + rb"\r*\n"])
        left = min(timeout * TIME_SCALE, self.deadline - time.monotonic())
        index = self.child.expect(wanted + bad, timeout=max(left, 0))
        if index < len(wanted):
            self.index = index
            return self.child.match
        self.logfile.flush()
        shown = patterns[0] if len(patterns) == 1 else patterns
        reason = ["the machine ended", f"not within {timeout} s", "the kernel panicked"][index - len(wanted)]
        if index == len(wanted) and not self.child.before:
            reason += ": " + tail(self.log + ".qemu", 3)
        if index == len(wanted) + 2:
            self.drain(2)
        return self.fail(f"waiting for {shown!r}: {reason}")

    def drain(self, seconds):
        """Read (and log) what still comes, for at most `seconds` of silence."""
        try:
            while True:
                self.child.read_nonblocking(65536, timeout=seconds)
        except (pexpect.TIMEOUT, pexpect.EOF):
            self.logfile.flush()

    def before(self):
        """The text between the previous match and the last one."""
        return self.child.before.decode("utf-8", "replace").replace("\r\n", "\n")

    def send(self, text):
        self.child.send(text)

    def sendline(self, text=""):
        self.child.send(text + "\r")

    def wait_exit(self, timeout=30):
        """Wait for the machine to end by itself; returns QEMU's exit status.

        isa-debug-exit gives (value << 1) | 1; powering off or resetting gives 0.
        """
        left = min(timeout * TIME_SCALE, self.deadline - time.monotonic())
        if self.child.expect([pexpect.EOF, pexpect.TIMEOUT], timeout=max(left, 0)) == 1:
            self.logfile.flush()
            self.fail(f"did not end within {timeout} s")
        self.child.wait()
        self.stop()
        return self.child.exitstatus if self.child.exitstatus is not None else -self.child.signalstatus

    def qmp(self, command, **arguments):
        """Run one QMP command and return its result: qmp("inject-nmi"), qmp("query-status")."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10 * TIME_SCALE)
            s.connect(self.qmp_path)
            stream = s.makefile("rw", encoding="utf-8")

            def call(text):
                stream.write(json.dumps(text) + "\n")
                stream.flush()
                for line in stream:
                    reply = json.loads(line)
                    if "return" in reply or "error" in reply:
                        return reply
                return self.fail(f"QMP ended at {command}")

            stream.readline()
            call({"execute": "qmp_capabilities"})
            reply = call({"execute": command, "arguments": arguments})
        if "error" in reply:
            self.fail(f"QMP {command}: {reply['error']}")
        return reply["return"]

    def hmp(self, command):
        """Run one command of QEMU's human monitor and return its text."""
        return self.qmp("human-monitor-command", **{"command-line": command})

    def text(self):
        """All that COM1 has printed so far (as far as it was read)."""
        if not self.logfile.closed:
            self.logfile.flush()
        with open(self.log, "rb") as f:
            return f.read().decode("utf-8", "replace").replace("\r\n", "\n")

    def stop(self):
        if self.child.isalive():
            self.drain(0.05)
        self.child.close(force=True)
        if not self.logfile.closed:
            self.logfile.close()
        shutil.rmtree(self.folder, ignore_errors=True)


BOCHSRC = """\
megs: {mem}
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
cpu: model={cpu}, count={smp}, ips=100000000, reset_on_triple_fault=0
ata0-master: type=cdrom, path={iso}, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev={log}
log: {folder}/bochs.log
display_library: rfb, options="timeout=0"
clock: sync=none
sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy
panic: action=fatal
"""

GRUB_CFG = """\
set timeout=0
menuentry strata {{
	linux /strata {append}
	initrd /strata.cpio
}}
"""


def make_iso(path, config, append, initrd=None):
    """A BIOS CD that boots Strata with GRUB."""
    with tempfile.TemporaryDirectory(prefix="strata-iso-") as folder:
        os.makedirs(f"{folder}/boot/grub")
        shutil.copy(image(config), f"{folder}/strata")
        shutil.copy(initrd or image(config, "strata.cpio"), f"{folder}/strata.cpio")
        with open(f"{folder}/boot/grub/grub.cfg", "w", encoding="utf-8") as f:
            f.write(GRUB_CFG.format(append=append))
        done = subprocess.run(["grub-mkrescue", "-d", "/usr/lib/grub/i386-pc", "-o", path, folder],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False)
        if done.returncode != 0:
            raise MachineError("grub-mkrescue failed:\n" + done.stdout.decode("utf-8", "replace"))


class Bochs(Serial):
    """A Bochs machine (Intel VMX, or AMD with cpu="ryzen") that boots a CD; COM1 is output only."""

    def __init__(self, name="", config="debug", smp=2, mem=512, cpu="corei7_skylake_x", append="",
                 initrd=None, limit=200):
        self.name = name or f"bochs {cpu} smp={smp} {config}"
        self.log = log_path(name or "bochs", ".serial.log")
        self.folder = tempfile.mkdtemp(prefix="strata-bochs-")
        self.limit = limit
        self.pos = 0
        iso = os.path.join(self.folder, "strata.iso")
        make_iso(iso, config, f"console=ttyS0 {append}".strip(), initrd)
        with open(os.path.join(self.folder, "bochsrc"), "w", encoding="utf-8") as f:
            f.write(BOCHSRC.format(mem=mem, cpu=cpu, smp=smp, iso=iso, log=self.log, folder=self.folder))
        with open(os.path.join(self.folder, "rc"), "w", encoding="utf-8") as f:
            f.write("c\n")
        open(self.log, "wb").close()
        self.deadline = time.monotonic() + limit * TIME_SCALE
        with open(os.path.join(self.folder, "output"), "wb") as output, open("/dev/zero", "rb") as zero:
            self.child = subprocess.Popen(["bochs", "-q", "-f", "bochsrc", "-rc", "rc"], cwd=self.folder,
                                          stdin=zero, stdout=output, stderr=subprocess.STDOUT,
                                          preexec_fn=die_with_parent)
        started.append(self)

    def text(self):
        with open(self.log, "rb") as f:
            return f.read().decode("utf-8", "replace").replace("\r\n", "\n")

    def expect(self, pattern, timeout=60):
        """Wait until `pattern` appears after the previous match; returns the match."""
        end = min(time.monotonic() + timeout * TIME_SCALE, self.deadline)
        while True:
            alive = self.child.poll() is None
            new = self.text()[self.pos:]
            m = re.search(pattern, new)
            if m:
                self.pos += m.end()
                return m
            if re.search(PANIC, new):
                time.sleep(2)
                return self.fail(f"waiting for {pattern!r}: the kernel panicked")
            if not alive or time.monotonic() > end:
                shutil.copy(os.path.join(self.folder, "bochs.log"), self.log + ".bochs")
                reason = f"not within {timeout} s" if alive else "Bochs ended"
                return self.fail(f"waiting for {pattern!r}: {reason} (see {self.log}.bochs)")
            time.sleep(0.2)

    def wait_exit(self, timeout=60):
        """Wait for Bochs to end by itself. Its exit status says nothing: judge by the log."""
        left = min(timeout * TIME_SCALE, self.deadline - time.monotonic())
        try:
            self.child.wait(max(left, 0))
        except subprocess.TimeoutExpired:
            self.fail(f"did not end within {timeout} s")
        self.stop()

    def stop(self):
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
