"""What is said to a language model, the gate that its answers must pass, and the loader of what passed.

A model writes ``prior(robot)`` and ``reward(robot)``; :mod:`muster_prompts.gate` checks them in a sandboxed child;
:mod:`muster_prompts.program` compiles what passed for training and simulation. Robots never run them.
"""
