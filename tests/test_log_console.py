# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's log on the terminal where a person types: above the line that is being edited, which is drawn anew."""
import base64
import re
import zlib

import vms
from test_shell_qemu import Port
from test_guests import guests  # noqa: F401 (a fixture)


def frame(ident, line):
    """A request of a program, which is no key: what is being typed stays as it is (mgmt/lib/frame.h)."""
    body = f"Q {ident:08x} {base64.b64encode(line.encode()).decode()}"
    return f"\x1e{body} {zlib.crc32(body.encode()):08x}\n"


TABLE = {name: ("beat", 1, "", "") for name in ("one", "two", "three")}


def start(m):
    """Each of TABLE, by its line of the first console."""
    for name in TABLE:
        m.send(f"vm start {name}\r")
        m.expect(rf"{name}: running\r*\n")
        m.expect(vms.PROMPT)


def test_lines_above_what_is_typed(machine, tmp_path):
    with machine(config="debug", smp=2, initrd=vms.boot_archive("debug", tmp_path, TABLE)) as m:
        console = vms.Console(m)
        start(m)
        m.send("echo bef")
        m.expect("echo bef")
        m.send(frame(1, "vm kill one"))
        m.expect(r"init: vm one: stopped: killed\r*\n" + "strata> echo bef")
        # Edited in the midst: the cursor is where it was.
        m.send("\x01\x06\x06\x06\x06\x06" + frame(2, "vm kill two"))
        m.expect(r"init: vm two: stopped: killed\r*\n" + "strata> echo bef")
        m.send("_\x05ore\r")
        m.expect(r"\n_before\r*\n" + vms.PROMPT)
        # All of them are in the log, and a command's output has none of them inside.
        rows = console.json("log")
        assert [len(re.findall(f"vm {name}: stopped", str(rows))) for name in TABLE] == [1, 1, 0]
        m.send("vm kill three\r")
        m.expect(r"init: vm three: stopped: killed\r*\n")
        console.json("vm list")
        # Another shell takes the log over from the one that has ended; between them lines go to the port.
        m.send("\x04")
        m.expect(vms.PROMPT)
        m.send("echo again\r")
        m.expect(r"\nagain\r*\n" + vms.PROMPT)
        console.poweroff()


def test_lines_on_two_ports(machine, tmp_path):
    """Each console's shell shows them above what is being typed there; a panic needs none of the shells."""
    path = str(tmp_path / "com2")
    with machine(config="debug", smp=2, initrd=vms.boot_archive("debug", tmp_path, TABLE), console="console=ttyS1 console=ttyS0",
                 extra=["-serial", f"unix:{path},server=on,wait=off"]) as m:
        vms.Console(m)
        port = Port(path)
        port.send("\r")
        port.expect(vms.PROMPT)
        start(m)
        m.send("echo fir")
        m.expect("echo fir")
        port.send("echo bef")
        port.expect("echo bef")
        m.send(frame(1, "vm kill one"))
        for child, typed in ((m, "fir"), (port, "bef")):
            child.expect(r"init: vm one: stopped: killed\r*\n" + f"strata> echo {typed}")
        # Edited in the midst: the cursor is where it was, on either.
        port.send("\x01\x06\x06\x06\x06\x06" + frame(2, "vm kill two"))
        for child, typed in ((m, "fir"), (port, "bef")):
            child.expect(r"init: vm two: stopped: killed\r*\n" + f"strata> echo {typed}")
        port.send("_\x05ore\r")
        port.expect(r"\n_before\r*\n" + vms.PROMPT)
        m.send("st\r")
        m.expect(r"\nfirst\r*\n" + vms.PROMPT)
        # A shell that ends gives the log back there; its successor takes it.
        port.send("\x04")
        port.expect(vms.PROMPT)
        port.send("echo ag")
        port.expect("echo ag")
        m.send("vm kill three\r")
        port.expect(r"init: vm three: stopped: killed\r*\n" + "strata> echo ag")
        port.send("ain\r")
        port.expect(r"\nagain\r*\n" + vms.PROMPT)
        m.qmp("inject-nmi")
        port.expect(r"panic: [^\r\n]*NMI[^\r\n]*\r*\n")
        m.expect(r"panic: [^\r\n]*NMI[^\r\n]*\r*\n", timeout=30, allow_panic=True)


def test_panic_is_said_at_once(machine):
    """The shell has the log, and whatever it does a panic needs nobody."""
    with machine(config="release", smp=2) as m:
        m.expect(vms.PROMPT, timeout=60)
        m.send("echo hal")
        m.expect("echo hal")
        m.qmp("inject-nmi")
        m.expect(r"panic: [^\r\n]*NMI[^\r\n]*\r*\n", timeout=30, allow_panic=True)
