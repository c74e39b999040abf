# SPDX-License-Identifier: GPL-2.0-or-later
"""Network boot from a server as docs/boot-anywhere.md describes it: dnsmasq with the recipe's own text, behind a network
card of its own. Part of make check-boot.

The server is a network namespace: nothing of it reaches the network of the computer that tests. Needs root.
"""
import os
import re
import subprocess
import time

import pytest

import firmware
import harness
import media
from test_efi import PROMPT

RECIPE = os.path.join(harness.TREE, "docs", "boot-anywhere.md")
ADDRESS = "192.0.2.1"  # the recipe's


def recipe(folder):
    """The configuration that the document shows, for our interface and folder."""
    with open(RECIPE, encoding="utf-8") as f:
        block = re.search(r"(?m)^    # /etc/dnsmasq.d/strata.conf\n((?:    .*\n|\n)+)", f.read())[1]
    text = re.sub(r"(?m)^    ", "", block)
    assert "interface=eth1" in text and "tftp-root=/srv/strata" in text
    return text.replace("interface=eth1", "interface=tap0").replace("/srv/strata", folder)


@pytest.fixture
def server(tmp_path):
    """A namespace with dnsmasq, its card and an empty folder to serve; start(config) starts the server."""
    name = f"strata-test-{os.getpid()}"
    if subprocess.run(["ip", "netns", "add", name], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        pytest.skip("network namespaces need root")
    inside = ["ip", "netns", "exec", name]
    daemons = []

    def start(config):
        path, ready, log = tmp_path / "dnsmasq.conf", tmp_path / "dnsmasq.pid", tmp_path / "dnsmasq.log"
        path.write_text(config)
        # port=0: no name server. The file with its number appears when it listens.
        daemons.append(subprocess.Popen(inside + [
            "dnsmasq", "--keep-in-foreground", f"--log-facility={log}", "--log-dhcp", "--user=root", "--port=0",
            f"--pid-file={ready}", f"--dhcp-leasefile={tmp_path}/leases", f"--conf-file={path}"],
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


@pytest.mark.parametrize("kind, nic", [("bios", "e1000e"), ("uefi", "virtio")])
def test_dnsmasq(machine, server, tmp_path, kind, nic):
    """BIOS has iPXE in its card and gets the script at once; UEFI's own PXE gets iPXE first."""
    inside, start = server
    folder = media.pxe(tmp_path, harness.image("release", "strata.cpio"), "console=ttyS0 by-dnsmasq")
    log = start(recipe(folder))
    card = f"{media.NICS[nic]},netdev=n0,bootindex=1" + (",romfile=" if kind == "uefi" else "")
    extra = ["-netdev", "tap,id=n0,ifname=tap0,script=no,downscript=no", "-device", card]
    with machine(config="release", kernel=False, limit=400, wrap=inside,
                 extra=media.bios_or_uefi(kind, tmp_path) + extra) as m:
        m.expect(r"command line 'console=ttyS0 by-dnsmasq[^'\r\n]*'", 250)
        m.expect(PROMPT, 60)
    sent = re.findall(r"sent \S*/(\S+) to 192\.0\.2\.", log.read_text(errors="replace"))
    assert (sent[0] == "ipxe.efi") == (kind == "uefi"), sent
    assert {"boot.ipxe", "strata", "strata.cpio"} <= set(sent)
