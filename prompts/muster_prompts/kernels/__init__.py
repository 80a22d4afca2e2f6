"""Kernels of the program API: what a language model's program may ask of its robot."""
