"""Whether a folder lies on this machine, or on another one that is reached over a network."""

from pathlib import Path

import psutil

_KINDS = frozenset({
    "9p", "afp", "afs", "beegfs", "ceph", "cifs", "davfs", "glusterfs", "gpfs", "lustre", "ncpfs",
    "nfs", "nfs4", "orangefs", "prl_fs", "pvfs2", "smb2", "smb3", "smbfs", "vboxsf", "virtiofs",
    "webdav",
})  # fmt: skip


def network_kind(folder: Path) -> str | None:
    """Return the kind of network file system that holds a folder; None on a disk of this machine.

    A file system of user space (FUSE) counts as one: what it does with locks nobody knows.
    """
    place = folder.absolute().resolve()
    mounts = [part for part in psutil.disk_partitions(all=True) if _holds(part.mountpoint, place)]
    if not mounts:
        return None
    # Of two at the same place the later one is in front.
    nearest = max(enumerate(mounts), key=lambda pair: (len(pair[1].mountpoint), pair[0]))[1]
    kind = nearest.fstype.lower()
    remote = kind in _KINDS or kind.startswith("fuse") or "remote" in nearest.opts.split(",")
    return kind or "network drive" if remote else None


def _holds(mountpoint: str, place: Path) -> bool:
    return place.is_relative_to(mountpoint)
