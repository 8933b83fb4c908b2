"""Arrays that compiled code uses without counting references to them.

Each view that compiled code makes of an array counts as one more owner of its memory, and counting is atomic. A policy
makes dozens of views per round of memory that outlives the round, so it borrows the memory instead.
"""

from __future__ import annotations

from typing import Any

from numba.core import cgutils
from numba.core.imputils import impl_ret_untracked
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

__all__ = ["borrowed"]


# numba's own functions have no types.
_null: Any = cgutils.get_null_value
_returned: Any = impl_ret_untracked
_array: Any = make_array


def _borrow(typingctx: Any, array: Any) -> Any:
    """Return the signature and the code of `borrowed`."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        view = _array(signature.return_type)(context, builder, value=args[0])
        view.meminfo = _null(view.meminfo.type)
        view.parent = _null(view.parent.type)
        return _returned(context, builder, signature.return_type, view._getvalue())

    return array(array), codegen


borrowed: Any = intrinsic(_borrow)
"""Compiled function ``borrowed(array)``: the array as a view that does not keep its memory alive; someone else must."""
