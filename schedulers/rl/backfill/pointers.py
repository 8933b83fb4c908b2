"""Bundles by the addresses of their tables, so that one compiled call can step many simulations."""

from __future__ import annotations

from typing import Any

from numba.core import cgutils, types
from numba.extending import intrinsic

from wattq.simulator.layout import Kernel, Ledger

__all__ = ["kernel_at", "ledger_at"]

_struct: Any = cgutils.create_struct_proxy
_long: Any = types.int64


def _reader(bundle: Any) -> Any:
    """Return a compiled function from an address to the bundle whose table lies there."""

    def read(typingctx: Any, address: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            value = _struct(signature.return_type)(context, builder)
            value.table = args[0]
            return value._getvalue()

        return bundle._numba_type_(_long), codegen

    return intrinsic(read)


kernel_at: Any = _reader(Kernel)
"""Compiled function from an address (int64) to a `Kernel`; whoever calls it keeps the kernel alive."""
ledger_at: Any = _reader(Ledger)
"""Compiled function from an address (int64) to a `Ledger`; whoever calls it keeps the ledger alive."""
