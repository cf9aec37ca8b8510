"""An annotation file as bytes and as text, with the bounds that keep a wrong file from hurting."""

from pathlib import Path

from core.errors import InvalidFile

HEAD_BYTES = 65_536
"""As much of a file as a format sees to recognise it."""

BYTES_LIMIT = 256 * 2**20


def content(path: Path, *, limit: int = BYTES_LIMIT) -> bytes:
    """Return the bytes of an annotation file."""
    try:
        if not path.is_file():  # a pipe or a device would never end
            raise InvalidFile(
                "An annotation file must be a file that exists",
                path,
                next_step="Choose the file again.",
            )
        if path.stat().st_size > limit:
            raise InvalidFile(
                f"An annotation file may have at most {limit // 2**20} MiB",
                path,
                next_step="Split the file.",
            )
        return path.read_bytes()
    except OSError as error:
        raise InvalidFile(
            f"An annotation file must be readable ({error.strerror})",
            path,
            next_step="Check that the file may be read and that its drive is there.",
        ) from error


def encoding_of(data: bytes) -> str:
    """Return what the byte order mark says, UTF-8 without one."""
    return "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"


def text_of(data: bytes, path: Path) -> str:
    """Return a file's bytes as text, without a byte order mark."""
    save_again = "Save it again as UTF-8."
    if encoding_of(data) == "utf-16":
        raise InvalidFile("A text file must be UTF-8, this is UTF-16", path, next_step=save_again)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InvalidFile("A text file must be UTF-8", path, line, save_again) from error


def quoted(text: str, limit: int = 60) -> str:
    """Return text from a file as one line in quotes: shortened, invisible characters escaped."""
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[:limit])
    return f"'{shown}…'" if len(text) > limit else f"'{shown}'"
