# SPDX-License-Identifier: GPL-2.0-or-later
"""What the image builders share: running tools, the one date that goes into images, GRUB's parts."""
import os
import subprocess
import sys

MODULES = ["normal", "configfile", "linux", "search", "search_label", "search_fs_file", "fat", "part_gpt", "part_msdos", "iso9660",
           "serial", "terminal", "echo", "test", "boot", "ls", "cat", "reboot", "halt"]
EPOCH_LEAST = 315532800          # 1980: no file system can be asked for less
GRUB_LIB = {"i386-pc": ["biosdisk"], "i386-pc-eltorito": ["biosdisk"], "x86_64-efi": []}


class BuildError(Exception):
    """One line for whoever called us."""


def epoch():
    """Seconds since 1970 that stand in the image wherever a date must."""
    return max(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), EPOCH_LEAST)


def run(argv, **kwargs):
    env = dict(os.environ, TZ="UTC", LC_ALL="C", SOURCE_DATE_EPOCH=str(epoch()))
    try:
        done = subprocess.run([str(a) for a in argv], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              **kwargs)
    except FileNotFoundError:
        raise BuildError(f"{argv[0]} is not installed: run packaging/deps images") from None
    if done.returncode != 0:
        raise BuildError(f"{argv[0]} failed:\n{done.stdout.decode('utf-8', 'replace').strip()}")
    return done.stdout.decode("utf-8", "replace")


def read(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except OSError as e:
        raise BuildError(f"{path}: {e.strerror}") from None


def write(path, data):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())


def join_archives(out, paths):
    """Archives one behind the other, each at a multiple of 4."""
    data = b"".join(d + bytes(-len(d) % 4) for d in map(read, paths))
    write(out, data)


def grub_image(out, platform, folder, early, prefix="/boot/grub"):
    """One GRUB program with its modules inside; `early` is its first script."""
    config = os.path.join(folder, f"early-{platform}.cfg")
    write(config, early)
    fmt = platform
    base = platform.replace("-eltorito", "")
    run(["grub-mkimage", "-d", f"/usr/lib/grub/{base}", "-O", fmt, "-p", prefix, "-c", config, "-o", out,
         *MODULES, *GRUB_LIB[platform]])
    return out


def quote(text):
    """One word for GRUB's script language."""
    return "'" + text.replace("'", "'\\''") + "'"


def grub_words(cmdline):
    return " ".join(quote(w) for w in cmdline.split())


def grub_menu(cmdline, root, timeout=3):
    """The menu of an image: the console of the loader is where the console of Strata is."""
    return f"""\
serial --unit=0 --speed=115200
terminal_input console serial
terminal_output console serial
set timeout={timeout}
set default=0
menuentry 'Strata' {{
	linux {root}/strata {grub_words(cmdline)}
	initrd {root}/strata.cpio
}}
"""


def main(function):
    """Runs a builder; an error is one line, and nothing half-written stays (builders write to NAME.tmp)."""
    try:
        function()
    except BuildError as e:
        sys.exit(f"{os.path.basename(sys.argv[0])}: {e}")
