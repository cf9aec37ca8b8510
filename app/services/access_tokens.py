"""Tokens that let a program ask for predictions: shown once, kept as hashes, taken back by name.

A token is 256 random bits, so a plain SHA-256 of it cannot be turned back and needs no salt.
"""

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from filelock import FileLock

from core.errors import Conflict, InvalidConfig, InvalidFile, UnknownName
from storage.artifacts import write_json
from storage.data_directory import DataDirectory

_NAME = re.compile(r"[\w .@-]{1,60}")
_PREFIX = "gad_"


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What is kept of a token: whose it is, since when, and its hash."""

    name: str
    created: str
    sha256: str


class AccessTokens:
    """The tokens of a data directory, in `tokens.json`, which only its owner can read."""

    def __init__(self, directory: DataDirectory) -> None:
        self.path = directory.root / "tokens.json"

    def create(self, name: str) -> str:
        """Make a token and return it; it cannot be shown again.

        Raises:
            InvalidConfig: The name is empty, too long, or has other signs.
            Conflict: Another token has the name.
        """
        if not _NAME.fullmatch(name):
            raise InvalidConfig(
                "A token's name has 1 to 60 letters, digits, spaces or .@-_", repr(name),
                "Name the program or the person that will use it.",
            )  # fmt: skip
        with self._changing() as found:
            if name in found:
                raise Conflict(
                    "Two tokens cannot have one name", f"'{name}'",
                    "Revoke the other one first, or choose another name.",
                )  # fmt: skip
            secret = _PREFIX + secrets.token_urlsafe(32)
            now = datetime.now(UTC).isoformat(timespec="seconds")
            found[name] = AccessToken(name, now, _hash(secret))
        return secret

    def revoke(self, name: str) -> None:
        """Take a token back; a running server refuses it from then on.

        Raises:
            UnknownName: There is none of this name.
        """
        with self._changing() as found:
            if name not in found:
                raise UnknownName(
                    "Unknown token", f"'{name}'", "List those there are: gad token list"
                )
            del found[name]

    def listed(self) -> list[AccessToken]:
        """Return the tokens, the oldest first.

        Raises:
            InvalidFile: `tokens.json` is damaged.
        """
        try:
            values = json.loads(self.path.read_bytes())
            return [AccessToken(**each) for each in values["tokens"]]
        except FileNotFoundError:
            return []
        except (ValueError, TypeError, KeyError) as error:
            raise InvalidFile(
                f"The list of tokens must be readable ({error})", self.path,
                next_step="Delete it, then make the tokens again.",
            ) from None  # fmt: skip

    def knows(self, secret: str) -> bool:
        """Say whether a token is valid now."""
        given = _hash(secret)
        return any(hmac.compare_digest(given, each.sha256) for each in self.listed())

    @contextmanager
    def _changing(self) -> Iterator[dict[str, AccessToken]]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path.with_suffix(".lock")):
            found = {each.name: each for each in self.listed()}
            yield found
            tokens = [asdict(each) for each in found.values()]
            write_json(self.path, {"tokens": tokens}, private=True)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
