# SPDX-License-Identifier: GPL-2.0-or-later
"""strata-client against the console, over each kind of line, and over a line that drops, doubles and changes bytes."""
import base64
import json
import os
import random
import re
import resource
import select
import signal
import socket
import struct
import subprocess
import threading
import time
import tty
import zlib

import pytest

import harness
from console import PROMPT, VMS, Console, read_core

CLIENT = os.path.join(harness.BUILD, "strata-client")


class Line(threading.Thread):
    """Carries bytes between the console's terminal and whoever is at `ends`; `spoil` of 1000 bytes go wrong each way. After so many
    bytes of the console's nothing goes any more."""

    def __init__(self, console, fd, spoil=0, seed=1, mute_after=None):
        super().__init__(daemon=True)
        # Its own: a number that is closed by others would soon be another file's.
        self.console, self.fd, self.spoil = os.dup(console), os.dup(fd), spoil
        self.rng = random.Random(seed)
        self.wake, self.woken = os.pipe()
        self.mute, self.mute_after, self.muted = False, mute_after, threading.Event()
        self.spoiled = 0
        self.saw = threading.Event()  # the console has taken a request
        self.start()

    def mangle(self, data):
        if not self.spoil:
            return data
        out = bytearray()
        for byte in data:
            what = self.rng.randrange(3000) // self.spoil
            if what < 3:
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
                    if fd == self.console and self.mute_after is not None:
                        self.mute_after -= len(data)
                        if self.mute_after < 0:
                            self.mute = True
                            self.muted.set()
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
    console.child.send(frame("W 01234567 0 1"))
    # The person at the console has lost nothing.
    assert console.run("echo still here", frames=True) == "still here\n"


def test_long_output(console):
    """Many times what the console keeps, as text and as objects: each row once, in order."""
    script = console.folder / "script"
    script.write_text("".join(f"echo {i} {'x' * 299}\n" for i in range(3000)))
    line = Pty(console)
    status, out, err = client(line.where, "run", str(script))
    assert (status, err) == (0, "") and out == "".join(f"+ echo {i} {'x' * 299}\n{i} {'x' * 299}\n" for i in range(3000))
    status, out, err = client(line.where, "--json", "run", str(script))
    assert (status, err) == (0, "") and [json.loads(row)["text"] for row in out.splitlines()] == [f"{i} {'x' * 299}" for i in range(3000)]
    # The next one is nobody's business.
    assert client(line.where, "echo", "x") == (0, "x\n", "")
    line.end()


# ---- vm dump --core into a file ----

def start_vm(console, kib):
    """A VM of so much memory; of four MiB three are zeros."""
    assert f"good{kib}: stopped" in console.run(f"vm create good{kib} kernel=/etc/passwd")
    assert f"good{kib}: running" in console.run(f"vm start good{kib}")
    return f"good{kib}"


def memory_of(kib):
    """{address: bytes} of what is not zeros."""
    return {start: b"".join(struct.pack("<QQ", page + 1, page * 0x9e3779b97f4a7c15 % (1 << 64)) * 256 for page in range(start, min(start + (1 << 20), kib << 10), 4096))
            for start in range(0, kib << 10, 4 << 20)}


def check_core(path, kib):
    segments, notes = read_core(path.read_bytes())
    whole = b"".join(body.ljust(end - start, b"\0") for (start, body), end in zip(sorted(segments.items()), sorted(segments)[1:] + [kib << 10]))
    assert len(whole) == kib << 10
    for start, body in memory_of(kib).items():
        assert whole[start:start + len(body)] == body
        assert not any(whole[start + len(body):min(start + (4 << 20), kib << 10)])
    assert [(name, what) for name, what, _ in notes] == [("CORE", 1), ("STRATA", 1)] * 2
    assert path.stat().st_mode & 0o777 == 0o600


def dump(line, path, name, *options, **kw):
    return client([*line.where, "--output", str(path), *options], "vm", "dump", name, "--core", "--raw", **kw)


def test_core_of_32_mib(console):
    """8 of them are no zeros, many times what the console keeps. As readelf sees it as well. The VM runs again afterwards, and the shell has kept nothing."""
    name, path = start_vm(console, 32768), console.folder / "core"
    path.write_text("an old one")
    line = Pty(console)
    before = resident(shell_of(console))
    assert dump(line, path, name, timeout=200) == (0, "", "")
    assert resident(shell_of(console)) - before < 1 << 20  # what it keeps of the output does not grow with it
    line.end()
    check_core(path, 32768)
    text = subprocess.run(["readelf", "-hln", str(path)], stdout=subprocess.PIPE, check=True, timeout=60).stdout.decode()
    assert "CORE (Core file)" in text and len(re.findall("(?m)^  CORE ", text)) == 2 and len(re.findall("(?m)^  LOAD ", text)) >= 8
    assert console.state(name) == "running" and not list(console.folder.glob("core.*"))


def resident(pid):
    """Bytes that a process has of its own."""
    with open(f"/proc/{pid}/statm", encoding="ascii") as f:
        pages = f.read().split()
    return (int(pages[1]) - int(pages[2])) * 4096


def test_core_over_a_bad_line(console):
    name, path = start_vm(console, 200), console.folder / "core"
    line = Pty(console, spoil=10, seed=3)
    assert dump(line, path, name, timeout=120) == (0, "", "")
    assert line.line.spoiled > 1000
    line.end()
    check_core(path, 200)


def test_core_as_text(console):
    """base64, as a person's terminal would have it."""
    name = start_vm(console, 4096)
    line = Pty(console)
    status, out, err = client(line.where, "vm", "dump", name, "--core")
    assert (status, err) == (0, "")
    path = console.folder / "core"
    path.write_bytes(base64.b64decode(out))
    path.chmod(0o600)
    check_core(path, 4096)
    for words, answer in ((["--raw", "--json"], 2), (["--json", "--raw", "x"], 2)):
        assert client(line.where, "vm", "dump", name, "--core", *words)[0] == answer
    line.end()
    assert "error: --raw: expected strata-client to take it" in console.run(f"vm dump {name} --core --raw", frames=True)


def test_broken_transfer(console):
    """The line goes silent in the midst: no file, an old one is left as it was, the VM goes on, and the line serves the next one."""
    name, path = start_vm(console, 32768), console.folder / "core"
    path.write_text("an old one")
    line = Pty(console, mute_after=1 << 20)
    status, out, err = dump(line, path, name, timeout=2 / harness.TIME_SCALE)
    assert (status, out) == (3, "") and re.fullmatch("strata-client: no more of the output has come in time: [1-9][0-9]+ bytes of it are here\n", err)
    assert path.read_text() == "an old one" and not list(console.folder.glob("core.*"))
    line.line.mute_after = None
    line.line.mute = False
    # Another program has come instead: that is the end of the first one's command.
    assert client(line.where, "echo", "x") == (0, "x\n", "")
    line.end()
    assert console.run("echo still here", frames=True) == "still here\n" and console.state(name) == "running"


def test_client_that_is_killed(console):
    """Nothing is left of its file; a person's Ctrl-C ends what goes on for it, and what was typed before is a line."""
    name, path = start_vm(console, 32768), console.folder / "core"
    line = Pty(console, mute_after=1 << 20)
    p = subprocess.Popen([CLIENT, *line.where, "--output", str(path), "vm", "dump", name, "--core", "--raw"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    line.line.muted.wait(60 * harness.TIME_SCALE)
    assert list(console.folder.glob("core.*"))
    p.terminate()
    assert p.communicate(timeout=60)[0] == b"" and p.returncode == 128 + signal.SIGTERM
    assert not list(console.folder.glob("core*"))
    line.end()
    console.child.send("echo typed\r\x03")
    console.child.expect("typed\r\n(?s:.*)" + PROMPT)
    assert console.state(name) == "running"


def test_output_option(console):
    name = start_vm(console, 1024)
    line = Pty(console)
    path = console.folder / "out"
    assert client([*line.where, "--output", str(path)], "echo", "x") == (0, "", "") and path.read_text() == "x\n"
    # A command that fails says why on stdout, and leaves the file.
    assert client([*line.where, "--output", str(path)], "vm", "dump", "nobody", "--core") == (1, "error: nobody: no such VM\n", "")
    assert client([*line.where, "--output", str(path)], "vm", "show")[0] == 2 and path.read_text() == "x\n"
    assert client([*line.where, "--output", "/dev/null"], "echo", "x") == (3, "", "strata-client: /dev/null: expected the name of a file\n")
    assert client([*line.where, "--output", "/no/such/file"], "echo", "x") == (3, "", "strata-client: /no/such/file: No such file or directory\n")
    # A disk that is full: files may not grow beyond 64 KiB here.
    done = subprocess.run([CLIENT, *line.where, "--output", str(path), "vm", "dump", name, "--core", "--raw"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          preexec_fn=small_files, timeout=300 * harness.TIME_SCALE, check=False)
    assert (done.returncode, done.stdout) == (3, b"") and b"the output cannot be written: File too large" in done.stderr
    with open("/dev/full", "wb") as full:
        done = subprocess.run([CLIENT, *line.where, "echo", "x"], stdout=full, stderr=subprocess.PIPE, timeout=300 * harness.TIME_SCALE, check=False)
    assert done.returncode == 3 and b"stdout: the output cannot be written: No space left on device" in done.stderr
    assert path.read_text() == "x\n" and [p.name for p in console.folder.glob("out*")] == ["out"]
    line.end()


def small_files():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))


class WrongConsole(threading.Thread):
    """Answers one request with these frames, in which ID stands for its number."""

    def __init__(self, path, bodies):
        super().__init__(daemon=True)
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(path)
        self.server.listen()
        self.bodies = bodies
        self.start()

    def run(self):
        connection, _ = self.server.accept()
        ident = re.search(rb"\x1eQ ([0-9a-f]{8}) ", connection.recv(65536))[1].decode()
        connection.sendall("".join(frame(body.replace("ID", ident)) for body in self.bodies).encode())
        while connection.recv(65536):
            pass


@pytest.mark.parametrize("bodies,answer", [
    (["A ID", "D ID 0 eA==", "E ID 0 1 00000000 0"], "the output came damaged: its checksum is wrong"),
    (["D ID 0 eA==", "D ID 1 eA==", f"E ID 0 2 {zlib.crc32(b'xx'):08x} 0"], "the output came damaged: its checksum is wrong"),  # the first is not full
    (["D ID 4000000000 eA==", "D ID x", "D ID 0 ====", "E ID", "E ID 0 4000000000 0 0", "P ID 1 0"], "no more of the output has come in time: 0 bytes of it are here"),
])
def test_wrong_console(tmp_path, bodies, answer):
    """A line on which somebody speaks who does not know how: no crash, no file, one line."""
    server = WrongConsole(str(tmp_path / "line"), bodies)
    path = tmp_path / "out"
    status, out, err = client(["--unix", str(tmp_path / "line"), "--output", str(path)], "echo", "x", timeout=1 / harness.TIME_SCALE)
    assert (status, out) == (3, "") and re.fullmatch(f"strata-client: {answer}\n", err) and sorted(p.name for p in tmp_path.iterdir()) == ["line"]
    server.server.close()


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
    assert (p.returncode, out, err.decode()) == (3, b"", "strata-client: the console has dropped the request: its shell was started anew, or another program has asked\n")
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
    for option in ("serial", "baud", "unix", "tcp", "timeout", "output", "json"):
        assert f"\\-\\-{option}" in page
    done = subprocess.run([tmp_path / "usr/bin/strata-client", "--help"], stdout=subprocess.PIPE, check=True, timeout=60)
    assert b"usage:" in done.stdout
