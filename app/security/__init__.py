"""What stands in front of every request: the guard, limits of bodies, patience, wrong passwords.

Pure ASGI, because `BaseHTTPMiddleware` buffers video.
"""

from app.security.bodies import Bodies
from app.security.guard import LOOPBACK, Guard

__all__ = ["LOOPBACK", "Bodies", "Guard"]
