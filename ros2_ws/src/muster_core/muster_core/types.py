"""Names for the array types that signatures share."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
"""Float64 array; its docstring says shape and unit."""
Integers: TypeAlias = NDArray[np.int64]
"""Int64 array."""
Mask: TypeAlias = NDArray[np.bool_]
"""Boolean array."""
AnyArray: TypeAlias = NDArray[Any]
"""Array of another dtype, named by its docstring."""
