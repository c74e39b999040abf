# SPDX-License-Identifier: GPL-2.0-or-later
"""strata-client against the console, over each kind of line, and over a line that drops, doubles and changes bytes."""
import json
import os
import random
import select
import signal
import socket
import subprocess
import threading
import time
import tty
import zlib

import pytest

import harness
from console import PROMPT, VMS, Console

CLIENT = os.path.join(harness.BUILD, "strata-client")


class Line(threading.Thread):
    """Carries bytes between the console's terminal and whoever is at `ends`; `spoil` of 1000 bytes go wrong each way."""

    def __init__(self, console, fd, spoil=0, seed=1):
        super().__init__(daemon=True)
        # Its own: a number that is closed by others would soon be another file's.
        self.console, self.fd, self.spoil = os.dup(console), os.dup(fd), spoil
        self.rng = random.Random(seed)
        self.wake, self.woken = os.pipe()
        self.mute = False
        self.spoiled = 0
        self.saw = threading.Event()  # the console has taken a request
        self.start()

    def mangle(self, data):
        out = bytearray()
        for byte in data:
            what = self.rng.randrange(3000) // max(self.spoil, 1) if self.spoil else 9
            if self.spoil and what < 3:
                what = self.rng.randrange(3)
                self.spoiled += 1
            else:
                what = 9
            if what == 1:
                out += bytes([byte, byte])
            elif what == 2:
                out.append(byte ^ 1 << self.rng.randrange(8))
            elif what != 0:
                out.append(byte)
        return bytes(out)

    def run(self):
        try:
            self.carry()
        finally:
            os.close(self.console)
            os.close(self.fd)

    def carry(self):
        other = {self.console: self.fd, self.fd: self.console}
        while True:
            ready, _, _ = select.select([self.console, self.fd, self.wake], [], [])
            if self.wake in ready:
                return
            for fd in ready:
                try:
                    data = os.read(fd, 4096)
                    if fd == self.console and b"\x1eA " in data:
                        self.saw.set()
                    if data and not self.mute:
                        os.write(other[fd], self.mangle(data))
                except OSError:
                    data = b""
                if not data:  # the client or the console is gone
                    return

    def end(self):
        os.write(self.woken, b"x")
        self.join()
        os.close(self.wake)
        os.close(self.woken)


@pytest.fixture
def console(tmp_path):
    c = Console(tmp_path)
    c.wait_running("good1")
    yield c
    c.child.close(force=True)


def client(where, *words, timeout=60):
    done = subprocess.run([CLIENT, *where, "--timeout", str(int(timeout * harness.TIME_SCALE)), *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=300 * harness.TIME_SCALE, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


class Pty:
    """The client's end is a pty."""

    def __init__(self, console, **kw):
        master, slave = os.openpty()
        tty.setraw(slave)
        self.fds = [master, slave]
        self.where = ["--serial", os.ttyname(slave)]
        self.line = Line(console.child.child_fd, master, **kw)

    def end(self):
        self.line.end()
        for fd in self.fds:
            os.close(fd)


class Listener:
    """The client connects to a socket, once."""

    def __init__(self, console, family, address, **kw):
        self.server = socket.socket(family)
        self.server.bind(address)
        self.server.listen()
        if family == socket.AF_UNIX:
            self.where = ["--unix", address]
        else:
            self.where = ["--tcp", f"127.0.0.1:{self.server.getsockname()[1]}"]
        self.thread = threading.Thread(target=self.accept, args=(console, kw), daemon=True)
        self.thread.start()

    def accept(self, console, kw):
        connection, _ = self.server.accept()
        Line(console.child.child_fd, connection.fileno(), **kw).join()
        connection.close()

    def end(self):
        self.server.close()


def line_of(kind, console, **kw):
    if kind == "pty":
        return Pty(console, **kw)
    if kind == "unix":
        return Listener(console, socket.AF_UNIX, str(console.folder / "line"), **kw)
    return Listener(console, socket.AF_INET, ("127.0.0.1", 0), **kw)


def frame(body):
    """As mgmt/lib/frame.h has it."""
    return f"\x1e\x1e\x1e{body} {zlib.crc32(body.encode()):08x}\n"


@pytest.mark.parametrize("kind", ["pty", "unix", "tcp"])
def test_each_kind_of_line(console, kind):
    line = line_of(kind, console)
    status, out, err = client(line.where, "--json", "vm", "list")
    assert status == 0 and err == "" and sorted(json.loads(row)["name"] for row in out.splitlines()) == sorted(VMS)
    line.end()


def test_statuses_and_words(console):
    line = Pty(console)
    assert client(line.where, "echo", "a  b", "it's", 'c"d\\') == (0, "a  b it's c\"d\\\n", "")
    assert client(line.where, "vm", "show", "nobody") == (1, "error: nobody: no such VM\n", "")
    assert client(line.where, "--json", "vm", "show", "nobody") == (1, '{"error":"nobody: no such VM"}\n', "")
    assert client(line.where, "vm", "show")[0] == 2
    assert client(line.where, "vm", "console", "good1") == (1, "error: vm console: expected a person's terminal\n", "")
    status, out, _ = client(line.where, "vm", "stop", "good1")
    assert status == 0 and "good1: stopped" in out
    status, out, _ = client(line.where, "help")
    assert status == 0 and out.count("\n") > 25
    assert client(line.where, "sleep", "1.5")[0] == 0
    line.end()
    # A question that the shell had not come to when the client was gone: its answer goes to the person's terminal.
    console.child.send(frame("S 01234567"))
    # The person at the console has lost nothing.
    assert console.run("echo still here", frames=True) == "still here\n"


def test_output_without_end(console):
    """More than a client takes is cut behind a whole line, and the last one says so."""
    once, often = console.folder / "once", console.folder / "often"
    once.write_text(f"echo {'x' * 299}\n" * 3400)
    often.write_text(f"run {once}\n" * 3)
    line = Pty(console)
    for words, last in (([], "error: more than 2048 KiB of output: cut off here"), (["--json"], '{"error":"more than 2048 KiB of output: cut off here"}')):
        status, out, err = client(line.where, *words, "run", str(often), timeout=120)
        rows = out.splitlines()
        assert (status, err, rows[-1]) == (1, "", last) and len(set(map(len, rows))) <= 4  # two commands as shown, what one prints, the last line
        assert (2 << 20) - 16384 < len(out) <= 2 << 20
    # The next one is nobody's business.
    assert client(line.where, "echo", "x") == (0, "x\n", "")
    line.end()


def test_half_typed_line_stays(console):
    console.child.send("echo hal")
    console.child.expect_exact("echo hal")
    line = Pty(console)
    assert client(line.where, "echo", "x") == (0, "x\n", "")
    line.end()
    console.child.send("f\r")
    console.child.expect_exact("half")
    console.child.expect_exact(PROMPT)


@pytest.mark.parametrize("seed", range(2))
def test_bad_line(console, seed):
    """One byte in 100 is lost, doubled or changed, both ways: all answers are right, and each request is done once."""
    line = Pty(console, spoil=10, seed=seed)
    status, out, err = client(line.where, "--json", "vm", "list", timeout=120)
    assert (status, err) == (0, ""), (status, err, line.line.spoiled)
    assert sorted(json.loads(row)["name"] for row in out.splitlines()) == sorted(VMS)
    assert client(line.where, "echo", "number", timeout=120) == (0, "number\n", "")
    assert client(line.where, "vm", "start", "stubborn", timeout=120)[0] == 0
    assert client(line.where, "vm", "kill", "stubborn", timeout=120)[0] == 0
    assert line.line.spoiled > 10
    line.end()
    # Started once, though its request was sent as often as it took.
    assert client_starts(console) == 1


def test_attached_console(console):
    """The client is answered while somebody is attached to a VM's console on its line; keys still go to the VM, RS among them."""
    child = console.child
    child.send("vm console good1\r")
    child.expect_exact("Ctrl-] detaches]")
    line = Pty(console)
    assert client(line.where, "echo", "x") == (0, "x\n", "")
    status, out, err = client(line.where, "--json", "vm", "list")
    assert (status, err) == (0, "") and sorted(json.loads(row)["name"] for row in out.splitlines()) == sorted(VMS)
    line.end()
    child.send("a\x1eb\r")
    child.expect_exact("A\x1eB")
    child.send("c\x1e")
    child.expect_exact("C\x1e")
    child.send("\x1d")
    child.expect_exact("[detached]")
    child.expect_exact(PROMPT)
    assert console.run("echo still here", frames=True) == "still here\n"


def test_damaged_keys(console):
    """What one changed bit makes of a frame's bytes is a key to readline, never a signal or a stop of the output."""
    line = Pty(console)
    for key in "\x1c\x1a\x13\x03\x0f\x10\x12\x16":
        console.child.send(key)
        assert client(line.where, "echo", "x") == (0, "x\n", ""), repr(key)
        assert console.child.isalive()
    line.end()


def test_frame_without_a_mark(console):
    """A mark that is lost does not make keys of the rest: Ctrl-P in it would call up the last line."""
    assert console.run("vm start stubborn") != ""
    console.wait_running("stubborn")
    console.run("vm kill stubborn")
    console.child.send("\x1e\x1eS 01234567 \x10 00000000\n\x1e\x10\n")
    line = Pty(console)
    assert client(line.where, "echo", "x") == (0, "x\n", "")
    line.end()
    assert console.state("stubborn") != "running" and client_starts(console) == 1


def client_starts(console):
    line = Pty(console)
    status, out, err = client(line.where, "--json", "vm", "show", "stubborn")
    line.end()
    assert (status, err) == (0, "")
    return json.loads(out)["starts"]


def test_never_hangs(console):
    line = Pty(console)
    line.line.mute = True
    begin = time.monotonic()
    status, out, err = client(line.where, "vm", "list", timeout=2 / harness.TIME_SCALE)
    assert status == 3 and out == "" and "no answer" in err
    line.line.mute = False
    status, _, err = client(line.where, "sleep", "30", timeout=2 / harness.TIME_SCALE)
    assert status == 3 and "has not ended in time" in err
    assert time.monotonic() - begin < 100 * harness.TIME_SCALE
    line.end()


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return [int(p) for p in f.read().split()]


def shell_of(console):
    """The process of the shell: the child of init that is none of the VMMs."""
    for pid in children(console.child.pid):
        try:
            if os.readlink(f"/proc/{pid}/exe").endswith("/shell"):
                return pid
        except OSError:  # it has ended
            pass
    return None


def test_shell_that_ends_meanwhile(console):
    """The shell ends with the request: init starts another, which does not know it; the client says just that, at once, and nothing is done twice."""
    line = Pty(console)
    old = shell_of(console)
    p = subprocess.Popen([CLIENT, *line.where, "--timeout", "600", "sleep", "500"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    # The shell has said that it has taken the request: its answer went by on the line.
    line.line.saw.wait(60 * harness.TIME_SCALE)
    os.kill(old, signal.SIGKILL)
    out, err = p.communicate(timeout=100 * harness.TIME_SCALE)
    assert (p.returncode, out, err.decode()) == (3, b"", "strata-client: the console has forgotten the request: its shell was started anew\n")
    assert shell_of(console) not in (None, old)
    assert client(line.where, "echo", "anew") == (0, "anew\n", "")
    line.end()


def test_shell_that_is_gone_before(console):
    """A request that nobody had taken when the shell ended is run by the next one, once."""
    line = Pty(console)
    line.line.mute = True
    p = subprocess.Popen([CLIENT, *line.where, "--timeout", "600", "vm", "start", "stubborn"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    old = shell_of(console)
    os.kill(old, signal.SIGKILL)
    line.line.mute = False
    out, err = p.communicate(timeout=100 * harness.TIME_SCALE)
    assert (p.returncode, err) == (0, b"") and b"stubborn" in out
    line.end()  # which reads what the next line waits for
    assert client_starts(console) == 1


@pytest.mark.parametrize("words,answer", [
    ([], "usage:"), (["vm", "list"], "usage:"), (["--serial", "x", "--tcp", "a:1", "vm"], "usage:"), (["--serial", "x"], "usage:"),
    (["--nonsense"], "usage:"), (["--serial", "x", "--timeout", "0", "vm"], "expected a number from 1"),
    (["--serial", "/dev/null", "--baud", "7", "vm"], "--baud: expected"), (["--serial", "/dev/null", "vm"], "expected a serial device or a pty"),
    (["--serial", "/no/such", "vm"], "No such file"), (["--unix", "/no/such", "vm"], "No such file"), (["--tcp", "nonsense", "vm"], "expected HOST:PORT"),
    (["--tcp", "127.0.0.1:1", "vm"], "Connection refused"), (["--unix", "x" * 200, "vm"], "expected a shorter path"),
    (["--serial", "/dev/ptmx", "echo", "x" * 9000], "expected a shorter command"), (["--serial", "/dev/ptmx", "echo", "x" * 1500, "y" * 1500], "at most 2048 bytes"),
])
def test_bad_words(words, answer):
    done = subprocess.run([CLIENT, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode in (3, 64) and answer in done.stderr.decode() and done.stdout == b""


def complete(line):
    """What bash offers at the end of the line."""
    script = (f". {harness.BUILD}/strata-client.bash; COMP_WORDS=({line} ''); [[ {line!r} == *' ' ]] || unset 'COMP_WORDS[-1]'; "
              "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _strata_client; echo \"${COMPREPLY[*]}\"")
    return subprocess.run(["bash", "-c", script], stdout=subprocess.PIPE, check=True, timeout=60).stdout.decode().split()


def test_completion():
    assert "vm" in complete("strata-client --serial /dev/null ") and complete("strata-client --j") == ["--json"]
    assert complete("strata-client --tcp a:1 vm pa") == ["pause"] and "show" in complete("strata-client --tcp a:1 vm ")
    assert complete("strata-client --tcp a:1 config ") == ["check", "show"]


def test_man_page_and_install(tmp_path):
    subprocess.run(["make", "-s", "CONFIG=debug", "O=build/debug", "install-client", f"DESTDIR={tmp_path}", "PREFIX=/usr"], cwd=harness.TREE, check=True, timeout=300)
    page = (tmp_path / "usr/share/man/man1/strata-client.1").read_text()
    for option in ("serial", "baud", "unix", "tcp", "timeout", "json"):
        assert f"\\-\\-{option}" in page
    done = subprocess.run([tmp_path / "usr/bin/strata-client", "--help"], stdout=subprocess.PIPE, check=True, timeout=60)
    assert b"usage:" in done.stdout
