"""The server of Batsim's protocol: `wattq-batsim`, which takes Batsim 4.2.1's place on a command line.

`main` is the program; `serve` plays one simulation over a socket.
"""

from __future__ import annotations

__all__: list[str] = []
