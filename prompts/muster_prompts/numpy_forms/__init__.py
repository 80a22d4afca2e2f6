"""Forms of numpy functions for numba's nopython mode: reductions, array making and what the gate's rewriting calls."""
