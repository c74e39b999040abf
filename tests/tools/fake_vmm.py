#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A peer for init's side of the VMM protocol (mgmt/README.md) on Linux; the VM's name says how it behaves.

good*      runs, stops when asked; its console says hello and echoes in capitals
stubborn*  runs and does not heed its power button
refuses*   says that its configuration is bad and ends
crashes*   dies of a signal as soon as it is asked to stop
silent*    ends without a word
"""
import array
import json
import os
import select
import signal
import socket
import sys

name = sys.argv[1]
control = socket.socket(fileno=3)


def say(**message):
    control.send(json.dumps(message).encode())


def end(state, reason, code):
    say(event="state", state=state, reason=reason, exit_code=code)
    sys.exit(code)


def receive():
    data, ancillary, _, _ = control.recvmsg(4096, socket.CMSG_SPACE(16))
    fds = array.array("i")
    for _, _, payload in ancillary:
        fds.frombytes(payload[:len(payload) - len(payload) % fds.itemsize])
    return data, list(fds)


if name.startswith("refuses"):
    end("failed", f"/vms/{name}.conf:3: memory: expected a size such as 512M", 1)
if name.startswith("silent"):
    sys.exit(7)
say(event="state", state="running")
consoles = []
while True:
    ready, _, _ = select.select([control] + consoles, [], [])
    for s in ready:
        if s is not control:
            try:
                data = s.recv(4096)
                s.send(data.upper() or b" ")
            except OSError:  # detached
                data = b""
            if not data:
                consoles.remove(s)
            continue
        data, fds = receive()
        if not data:
            sys.exit(0)
        op = json.loads(data)["op"]
        if op == "console":
            consoles.append(socket.socket(fileno=fds[0]))
            consoles[-1].send(f"hello from {name}\r\n".encode())
        elif op == "stop" and name.startswith("crashes"):
            os.kill(os.getpid(), signal.SIGSEGV)
        elif op == "stop" and not name.startswith("stubborn"):
            end("stopped", "powered off by the guest", 0)
