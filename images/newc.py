# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes newc cpio archives, the same bytes from the same entries."""
import stat
import tarfile

PIECE = 1 << 20


def member(e):
    """The path of a tar file's member as an archive has it."""
    return e.name.removeprefix("./").strip("/")


class Writer:
    """Entries in the order in which they come; folders above a file are made once. Times are `epoch`."""

    def __init__(self, out, epoch=0):
        self.out, self.epoch, self.size, self.count = out, epoch, 0, 0
        self.folders = set()

    def write(self, data):
        self.out.write(data)
        self.size += len(data)

    def pad(self):
        self.write(bytes(-self.size % 4))

    def head(self, path, mode, size, rdev=(0, 0), owner=(0, 0)):
        name = path.encode() + b"\0"
        self.count += 1
        fields = [self.count, mode, *owner, 1, self.epoch, size, 0, 0, rdev[0], rdev[1], len(name), 0]
        self.write(b"070701" + b"".join(b"%08X" % f for f in fields) + name)
        self.pad()

    def parents(self, path):
        parts = path.split("/")[:-1]
        for i in range(len(parts)):
            folder = "/".join(parts[:i + 1])
            if folder not in self.folders:
                self.folders.add(folder)
                self.head(folder, stat.S_IFDIR | 0o755, 0)

    def bytes(self, path, data, mode=0o644):
        self.parents(path)
        self.head(path, stat.S_IFREG | mode, len(data))
        self.write(data)
        self.pad()

    def stream(self, path, source, size, mode, owner=(0, 0)):
        self.parents(path)
        self.head(path, stat.S_IFREG | mode, size, owner=owner)
        left = size
        while left:
            piece = source.read(min(left, PIECE))
            if not piece:
                raise OSError(f"{path}: became shorter while it was read")
            self.write(piece)
            left -= len(piece)
        self.pad()

    def tar(self, path, without=()):
        """A root file system: everything of a tar file but what is in the folders `without`."""
        with tarfile.open(path) as tar:
            for e in sorted(tar.getmembers(), key=lambda m: m.name.encode()):
                name = member(e)
                if name not in ("", ".") and not name.startswith(tuple(f"{folder}/" for folder in without)):
                    self.tar_entry(tar, e, name)

    def tar_entry(self, tar, e, name):
        owner = (e.uid, e.gid)
        if e.isdir():
            self.folders.add(name)
            self.head(name, stat.S_IFDIR | e.mode, 0, owner=owner)
        elif e.issym():
            self.parents(name)
            self.head(name, stat.S_IFLNK | 0o777, len(e.linkname.encode()), owner=owner)
            self.write(e.linkname.encode())
            self.pad()
        elif e.ischr() or e.isblk():
            kind = stat.S_IFCHR if e.ischr() else stat.S_IFBLK
            self.head(name, kind | e.mode, 0, (e.devmajor, e.devminor), owner)
        elif e.isreg() or e.islnk():
            size = tar.getmember(e.linkname).size if e.islnk() else e.size
            self.stream(name, tar.extractfile(e), size, e.mode, owner)

    def end(self):
        self.count = -1
        self.head("TRAILER!!!", 0, 0)
