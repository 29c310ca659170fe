"""What judges make of runs: arithmetic on scores, and runs that are judged again.

Start with `simlab.sim.scoring.judging` for the command, `simlab.sim.scoring.reward` and
`simlab.sim.scoring.veto` for what training makes of the ratings in a trajectory.

They stand here because they read the trajectories of runs, and what trains on them imports `sim`.
"""
