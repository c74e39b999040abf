#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A peer for init's side of the VMM protocol (mgmt/README.md) on Linux; the VM's name says how it behaves.

good*      runs, stops when asked; its console says hello and echoes in capitals
goodN      has N KiB of memory (N a number); of four MiB three are zeros
stubborn*  runs and does not heed its power button
deaf*      has not enabled its power button
mute*      answers no request
refuses*   says that its configuration is bad and ends
crashes*   dies of a signal as soon as it is asked to stop, after a last word
silent*    ends without a word
"""
import array
import json
import os
import select
import signal
import socket
import struct
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


def share_log(text):
    """A ring as mgmt/lib/vm_log.h has it, of 64 bytes; what does not fit goes over the oldest."""
    fd = os.memfd_create("log")
    ring = bytearray(64)
    for i, byte in enumerate(text):
        ring[i % 64] = byte
    os.write(fd, (64).to_bytes(8, "little") + len(text).to_bytes(8, "little") + ring)
    socket.send_fds(control, [json.dumps({"event": "log"}).encode()], [fd])


def registers(number):
    hexes = "rip rflags rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15 cr0 cr2 cr3 cr4 cr8 efer".split()
    reply = {"vcpu": number, "vcpus": 2, "state": "halted", **{name: hex(i << 40) for i, name in enumerate(hexes)}}
    return {**reply, **{name: "0010 base 0x0 limit 0xffffffff attr 0xa9b" for name in "es cs ss ds fs gs gdtr ldtr idtr tr".split()}}


def answer(request):
    """The members of the reply, or a sentence that refuses."""
    global paused
    op = request["op"]
    if op == "stop" and (paused or name.startswith("deaf")):
        return "it is paused" if paused else "the guest does not listen to its power button: use vm kill"
    if op in ("pause", "resume"):
        if paused == (op == "pause"):
            return "already paused" if paused else "not paused"
        paused = not paused
        say(event="state", state="paused" if paused else "running")
    elif op == "regs":
        number = request.get("vcpu", 0)
        return registers(number) if number < 2 else "vCPU: expected a number from 0 to 1"
    elif op == "peek":
        if request["gpa"] >= 1 << 20:
            return f"{request['gpa']:#x}: expected the address of guest memory"
        return {"data": bytes((request["gpa"] + i) % 256 for i in range(request["length"])).hex()}
    elif op == "memory" and name[4:].isdigit() and name not in ("good1", "good2"):
        size = int(name[4:]) << 10
        fd = os.memfd_create("memory")
        for page in range(0, size, 4096):
            os.write(fd, bytes(4096) if page >> 20 & 3 else struct.pack("<QQ", page + 1, page * 0x9e3779b97f4a7c15 % (1 << 64)) * 256)
        return {"pieces": [[0, size, 0]], "vcpus": 2, "handle": fd}
    elif op == "memory":
        fd = os.memfd_create("memory")
        os.write(fd, b"low" + bytes(4093) + bytes(1 << 20) + b"high".rjust(4096, b"."))
        pieces = [[0, 8192, 0], [1 << 20, (1 << 20) - 4096, 8192], [1 << 32, 4096, (1 << 20) + 4096]]
        return {"pieces": [[0, 1, 2]] if name == "good2" else pieces, "vcpus": 2, "handle": fd}
    elif op == "nmi" and request.get("vcpu", 0) > 1:
        return "vCPU: expected a number from 0 to 1"
    return {}


paused = False
share_log(b"x" * 50 + f"\r\nhello from {name}\r\nlast \x1b[1mline\xff".encode("latin-1"))
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
        request = json.loads(data)
        op = request["op"]
        if name.startswith("mute"):
            continue
        if op == "stop" and name.startswith("crashes"):
            say(event="note", text="something is wrong")
            os.kill(os.getpid(), signal.SIGSEGV)
        members = answer(request)
        ok = isinstance(members, dict)
        reply = {"id": request["id"], "ok": ok, **(members if ok else {"error": f"{name}: {members}"})}
        handles = [reply.pop("handle")] if "handle" in reply else []
        socket.send_fds(control, [json.dumps(reply).encode()], handles)
        for fd in handles:
            os.close(fd)
        if op == "console":
            consoles.append(socket.socket(fileno=fds[0]))
            consoles[-1].send(f"hello from {name}\r\n".encode())
        elif op == "stop" and ok and not name.startswith("stubborn"):
            end("stopped", "powered off by the guest", 0)
