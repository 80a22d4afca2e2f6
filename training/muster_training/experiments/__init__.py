"""Experiments: each is one file that names its cells, its table and its picture; everything else is shared."""
