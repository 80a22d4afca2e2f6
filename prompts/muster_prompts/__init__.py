"""What is said to a language model, and the gate its answers must pass.

Nothing of this is in release 0.1.0: the package holds the name and the place in the import order, and arrives with a
later release. Version 0.1.0 trains with the published, hand-copied prior of LAMARL (`muster_core.controllers`).
"""
