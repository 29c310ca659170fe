"""Sweeps: trials of a training or a run under several settings, by Ray Tune.

Begin with `simlab.sweep.launch`, which makes sweeps, and with `simlab.sweep.sweep_file`, which says
what stands in their file.
"""
