"""Simulations: the loop, the clocks, run files, and many episodes on hosts.

Start with `simlab.sim.episode`, which is one page; `simlab.sim.simulation` plays many episodes, and
`simlab.sim.launch` is what the command line and notebooks call.
"""
