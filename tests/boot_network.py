# SPDX-License-Identifier: GPL-2.0-or-later
"""Network boot from a server as docs/boot-anywhere.md describes it: dnsmasq with the recipe's own text, behind a network
card of its own, and the lines that the recipe has for other ways. Part of make check-boot.

The server is a network namespace: nothing of it reaches the network of the computer that tests. Needs root.
"""
import os
import re
import subprocess
import sys
import threading
import time

import pytest

import firmware
import harness
import media
from test_efi import PROMPT

RECIPE = os.path.join(harness.TREE, "docs", "boot-anywhere.md")
ADDRESS = "192.0.2.1"  # the recipe's


def document():
    with open(RECIPE, encoding="utf-8") as f:
        return f.read()


def block(first):
    """The lines that the document shows from that one on."""
    return re.sub(r"(?m)^    ", "", re.search(rf"(?m)^    {re.escape(first)}\n(?:    .*\n)*", document())[0])


def recipe(folder):
    """The configuration that the document shows, for our interface and folder."""
    text = block("# /etc/dnsmasq.d/strata.conf")
    assert "interface=eth1" in text and "tftp-root=/srv/strata" in text
    return text.replace("interface=eth1", "interface=tap0").replace("/srv/strata", folder)


def without(text, start):
    """The configuration less the lines that begin so, of which there are some."""
    kept = [line for line in text.splitlines(keepends=True) if not line.startswith(start)]
    assert len(kept) < len(text.splitlines())
    return "".join(kept)


def other_line(start):
    """The line that begins so and that the document names beside the configuration."""
    return re.search(rf"`({re.escape(start)}[^`]*)`", document())[1] + "\n"


@pytest.fixture
def server(tmp_path):
    """A namespace with dnsmasq, its card and an empty folder to serve; start(config) starts the server."""
    name = f"strata-test-{os.getpid()}"
    if subprocess.run(["ip", "netns", "add", name], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        pytest.skip("network namespaces need root")
    inside = ["ip", "netns", "exec", name]
    daemons = []

    def start(config, place=inside, tag=""):
        path, ready, log = (tmp_path / f"dnsmasq{tag}.{end}" for end in ("conf", "pid", "log"))
        path.write_text(config)
        # port=0: no name server. The file with its number appears when it listens.
        daemons.append(subprocess.Popen(place + [
            "dnsmasq", "--keep-in-foreground", f"--log-facility={log}", "--log-dhcp", "--user=root", "--port=0",
            f"--pid-file={ready}", f"--dhcp-leasefile={tmp_path}/leases{tag}", f"--conf-file={path}"],
            preexec_fn=harness.die_with_parent))
        while not ready.exists():
            assert daemons[-1].poll() is None, "dnsmasq ended"
            time.sleep(0.05)
        return log

    def command(*argv):
        subprocess.run(inside + list(argv), check=True)

    try:
        command("ip", "tuntap", "add", "tap0", "mode", "tap")
        command("ip", "address", "add", f"{ADDRESS}/24", "dev", "tap0")
        command("ip", "link", "set", "tap0", "up")
        yield inside, start
    finally:
        for child in daemons:
            child.kill()
            child.wait()
        subprocess.run(["ip", "netns", "del", name], check=False)


def sent(log):
    """The files that dnsmasq has sent by TFTP, in order."""
    return re.findall(r"sent \S*/(\S+) to 192\.0\.2\.", log.read_text(errors="replace"))


def to_prompt(machine, inside, tmp_path, kind, nic, word):
    """UEFI has its own PXE (no ROM on the card), BIOS the card's iPXE."""
    card = f"{media.NICS[nic]},netdev=n0,bootindex=1" + (",romfile=" if kind == "uefi" else "")
    extra = ["-netdev", "tap,id=n0,ifname=tap0,script=no,downscript=no", "-device", card]
    with machine(config="release", kernel=False, limit=400, wrap=inside,
                 extra=media.bios_or_uefi(kind, tmp_path) + extra) as m:
        m.expect(rf"command line '[^'\r\n]*{word}[^'\r\n]*'", 250)
        m.expect(PROMPT, 60)


@pytest.fixture
def folder(tmp_path):
    return media.pxe(tmp_path, harness.image("release", "strata.cpio"), "console=ttyS0 by-dnsmasq")


@pytest.mark.parametrize("kind, nic", [("bios", "e1000e"), ("uefi", "virtio")])
def test_dnsmasq(machine, server, tmp_path, folder, kind, nic):
    """BIOS has iPXE in its card and gets the script at once; UEFI's own PXE gets iPXE first."""
    inside, start = server
    log = start(recipe(folder))
    to_prompt(machine, inside, tmp_path, kind, nic, "by-dnsmasq")
    files = sent(log)
    assert (files[0] == "ipxe.efi") == (kind == "uefi"), files
    assert {"boot.ipxe", "strata", "strata.cpio"} <= set(files)


@pytest.fixture
def web_server(server, folder):
    """Any web server, at the server's address; its log."""
    inside, _ = server
    child = subprocess.Popen(inside + [sys.executable, "-u", "-m", "http.server", "80", "--bind", ADDRESS, "--directory", folder],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
                             preexec_fn=harness.die_with_parent)
    lines = [child.stdout.readline()]
    assert lines[0].startswith("Serving HTTP"), lines
    # Read all the time: a full pipe would hold it.
    reader = threading.Thread(target=lambda: lines.extend(child.stdout))
    reader.start()

    def log():
        child.kill()
        reader.join()
        return "".join(lines)

    yield log
    log()
    child.wait()


@pytest.mark.parametrize("kind, nic", [("bios", "virtio"), ("uefi", "virtio")])
def test_http(machine, server, web_server, tmp_path, folder, kind, nic):
    """iPXE gets all from a web server; where firmware has no iPXE, that comes by TFTP."""
    inside, start = server
    log = start(without(recipe(folder), "dhcp-boot=tag:ipxe,") + other_line("dhcp-boot=tag:ipxe,http:"))
    to_prompt(machine, inside, tmp_path, kind, nic, "by-dnsmasq")
    assert set(sent(log)) <= ({"ipxe.efi"} if kind == "uefi" else set())
    got = re.findall(r'"GET /(\S+) HTTP/1.1" 200', web_server())
    assert got == ["boot.ipxe", "strata", "strata.cpio"]


def test_pxelinux(machine, server, tmp_path, folder):
    inside, start = server
    log = start(without(recipe(folder), "dhcp-boot=") + other_line("dhcp-boot=pxelinux.0"))
    to_prompt(machine, inside, tmp_path, "bios", "e1000e", "by-dnsmasq")
    files = sent(log)
    assert files[0] == "pxelinux.0" and {"ldlinux.c32", "default", "strata", "strata.cpio"} <= set(files)
    assert "boot.ipxe" not in files


def test_unified(machine, server, tmp_path, folder):
    """UEFI's own PXE, no other loader."""
    inside, start = server
    log = start(without(recipe(folder), "dhcp-boot=") + other_line("dhcp-boot=tag:efi,strata.efi"))
    to_prompt(machine, inside, tmp_path, "uefi", "virtio", "by-dnsmasq")
    assert set(sent(log)) == {"strata.efi"}


@pytest.fixture
def neighbour(server, tmp_path):
    """Another server on the same network that gives out addresses and knows nothing of booting. It starts at once."""
    inside, start = server
    name = f"strata-other-{os.getpid()}"
    there = ["ip", "netns", "exec", name]
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        for argv in (["link", "add", "br0", "type", "bridge"],
                     ["link", "add", "there", "type", "veth", "peer", "name", "eth0", "netns", name],
                     ["address", "flush", "dev", "tap0"], ["address", "add", f"{ADDRESS}/24", "dev", "br0"],
                     ["link", "set", "tap0", "master", "br0"], ["link", "set", "there", "master", "br0"],
                     ["link", "set", "there", "up"], ["link", "set", "br0", "up"]):
            subprocess.run(inside + ["ip", *argv], check=True)
        subprocess.run(there + ["ip", "address", "add", "192.0.2.2/24", "dev", "eth0"], check=True)
        subprocess.run(there + ["ip", "link", "set", "eth0", "up"], check=True)
        yield start("interface=eth0\ndhcp-range=192.0.2.50,192.0.2.150,1h\n", there, "-other")
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False)


@pytest.mark.parametrize("kind, nic", [("bios", "e1000e"), ("uefi", "virtio")])
def test_second_server(machine, server, neighbour, tmp_path, folder, kind, nic):
    """Addresses come from elsewhere, ours says only what to boot."""
    inside, start = server
    config = without(without(recipe(folder), "dhcp-range="), "dhcp-boot=").replace("interface=tap0", "interface=br0")
    log = start(config + block("dhcp-range=192.0.2.0,proxy"))
    to_prompt(machine, inside, tmp_path, kind, nic, "by-dnsmasq")
    files = sent(log)
    assert (files[0] == "ipxe.efi") == (kind == "uefi"), files
    assert {"boot.ipxe", "strata", "strata.cpio"} <= set(files)
    assert "DHCPACK" in neighbour.read_text()
