"""Values that routes take."""

import os
import re
from pathlib import Path, PurePath
from typing import Annotated

from pydantic import AfterValidator, Field

from core.errors import InvalidData

RowId = Annotated[int, Field(ge=0, le=2**31 - 1)]
"""The number of a row; every database has room for it."""

Time = Annotated[int, Field(ge=-(10**15), le=10**15)]
"""Microseconds of a video; whether they may be negative is for whoever takes them to say."""

_NAME_BYTES, _PATH_BYTES = 255, 4096  # as file systems have them


def _local(text: str) -> str:
    """Return a path that can be asked for; what is there, others find out."""
    if "://" in text:
        raise InvalidData(
            "A path leads to something on this machine", f"'{text[:200]}' is an address",
            "Download it, then give the path of the file.",
        )  # fmt: skip
    try:
        Path(text).expanduser()
        names = [len(os.fsencode(name)) for name in PurePath(text).parts]
    except (RuntimeError, UnicodeEncodeError):  # the home of nobody; no text
        names = [_PATH_BYTES]
    if "\0" in text or max(names, default=0) > _NAME_BYTES or sum(names) >= _PATH_BYTES:
        raise InvalidData(
            "A path must be one that a file can have", ascii(text[:200]), "Give another path."
        )
    return text


LocalPath = Annotated[str, Field(max_length=_PATH_BYTES), AfterValidator(_local)]
"""A path on this machine, as a person wrote it."""

_NUMBER = re.compile("[0-9]{1,9}")


def row_ids(text: str) -> list[int]:
    """Return the numbers of a list with commas; what is none is passed over."""
    return [int(part) for part in text.split(",") if _NUMBER.fullmatch(part)]
