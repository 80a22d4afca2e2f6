"""Shapes by name and by set, as commands take them: the catalogue's `expand`, and until it is there plain names."""

import importlib
import importlib.util


def expand(names: str) -> tuple[str, ...]:
    """Each shape once, in order; sets such as ``seven`` or ``held-out`` give way to their members."""
    if importlib.util.find_spec("muster_sim.catalogue") is not None:
        found: tuple[str, ...] = importlib.import_module("muster_sim.catalogue").expand(names)
        return found
    return tuple(dict.fromkeys(name.strip() for name in names.split(",") if name.strip()))
