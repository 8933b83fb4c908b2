"""Many arrays as one argument of a compiled function.

A compiled function that takes dozens of arrays spends its time handing them over. A bundle is handed over as one
pointer to a table of addresses and shapes; inside compiled code ``bundle.name`` is the array of that name.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.datamodel import models
from numba.core.datamodel.registry import register_default
from numba.core.imputils import impl_ret_untracked
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import NativeValue, lower_getattr, typeof_impl, unbox
from numba.np.arrayobj import make_array, populate_array
from numba.np.numpy_support import from_dtype

__all__ = ["Bundle", "register_bundle"]

_ROW = 4  # address and up to three lengths


class Bundle:
    """Arrays under fixed names; see `register_bundle`.

    Subclasses list their arrays in ``FIELDS``: name -> (element type, number of dimensions). All arrays are kept
    alive and must stay where they are; `replaced` gives a bundle with other arrays.
    """

    FIELDS: ClassVar[dict[str, tuple[Any, int]]] = {}
    _numba_type_: ClassVar[Any]

    def __init__(self, **arrays: np.ndarray[Any, Any]) -> None:
        if set(arrays) != set(self.FIELDS):
            raise TypeError(f"a {type(self).__name__} needs exactly the arrays {sorted(self.FIELDS)}")
        self._table = np.zeros((len(self.FIELDS), _ROW), dtype=np.int64)
        for row, (name, (dtype, ndim)) in enumerate(self.FIELDS.items()):
            array = arrays[name]
            if array.dtype != np.dtype(dtype) or array.ndim != ndim or not array.flags.c_contiguous:
                raise TypeError(f"array {name}: {array.dtype}, {array.ndim} dimensions, does not fit {dtype}, {ndim}")
            setattr(self, name, array)
            self._table[row, 0] = array.ctypes.data
            self._table[row, 1 : 1 + ndim] = array.shape
        self._address = int(self._table.ctypes.data)

    def replaced(self, **arrays: np.ndarray[Any, Any]) -> Self:
        """Return a bundle in which some arrays are others."""
        return type(self)(**{name: arrays.get(name, getattr(self, name)) for name in self.FIELDS})


class _BundleType(types.Type):
    """numba's view of a bundle class."""

    def __init__(self, cls_name: str) -> None:
        super().__init__(name=f"Bundle({cls_name})")


def register_bundle(cls: type[Bundle]) -> type[Bundle]:
    """Make a bundle class known to the compiler."""
    kind = type(f"{cls.__name__}Type", (_BundleType,), {})
    globals()[kind.__name__] = kind  # found again when cached code is loaded
    kind.__module__ = __name__
    kind.__qualname__ = kind.__name__
    instance = kind(cls.__name__)
    cls._numba_type_ = instance  # found at once, where the dispatcher would ask for the type of each argument
    arrays = {
        name: types.Array(from_dtype(np.dtype(dtype)), ndim, "C", readonly=False)
        for name, (dtype, ndim) in cls.FIELDS.items()
    }

    class _Model(models.StructModel):
        def __init__(self, dmm: Any, fe_type: Any) -> None:
            super().__init__(dmm, fe_type, [("table", types.intp)])

    register_default(kind)(_Model)
    typeof_impl.register(cls)(lambda value, ctx: instance)
    unbox(kind)(_unbox)

    resolve = {"key": kind, "generic_resolve": lambda self, typ, attr: arrays.get(attr)}
    infer_getattr(type("_Attributes", (AttributeTemplate,), resolve))
    for row, name in enumerate(cls.FIELDS):
        _lower_field(kind, name, row, arrays[name])
    return cls


def _unbox(typ: Any, obj: Any, c: Any) -> NativeValue:
    """Read the address of the table from the Python object."""
    address = c.pyapi.object_getattr_string(obj, "_address")
    value = cgutils.create_struct_proxy(typ)(c.context, c.builder)
    value.table = c.pyapi.long_as_longlong(address)
    c.pyapi.decref(address)
    return NativeValue(value._getvalue(), is_error=cgutils.is_not_null(c.builder, c.pyapi.err_occurred()))


def _lower_field(kind: Any, name: str, row: int, array: Any) -> None:
    """Teach the compiler to build the array of a field from its row of the table."""

    @lower_getattr(kind, name)
    def lower(context: Any, builder: Any, typ: Any, value: Any) -> Any:
        bundle = cgutils.create_struct_proxy(typ)(context, builder, value=value)
        word = ir.IntType(64)
        table = builder.inttoptr(bundle.table, word.as_pointer())

        def load(column: int) -> Any:
            entry = builder.load(builder.gep(table, [ir.Constant(word, row * _ROW + column)]))
            entry.set_metadata("invariant.load", builder.module.add_metadata([]))
            return entry

        result = make_array(array)(context, builder)
        shape = [load(1 + axis) for axis in range(array.ndim)]
        size = context.get_abi_sizeof(context.get_data_type(array.dtype))
        strides = [ir.Constant(word, size)]
        for length in reversed(shape[1:]):
            strides.insert(0, builder.mul(strides[0], length))
        populate_array(
            result,
            data=builder.inttoptr(load(0), result.data.type),
            shape=shape,
            strides=strides,
            itemsize=ir.Constant(word, size),
            meminfo=None,
        )
        return impl_ret_untracked(context, builder, array, result._getvalue())
