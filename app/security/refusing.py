"""How a refusal reads: rule, value and next step, as everywhere."""

import json
from collections.abc import Iterable
from typing import Any

from core.errors import StudioError

Headers = Iterable[tuple[bytes, bytes]]


async def refuse(send: Any, status: int, error: StudioError, headers: Headers = ()) -> None:
    """Answer a request with a status and a sentence."""
    body = json.dumps(error.as_json()).encode()
    about = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        *headers,
    ]
    await send({"type": "http.response.start", "status": status, "headers": about})
    await send({"type": "http.response.body", "body": body})
