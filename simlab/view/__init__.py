"""What a person sees of a run, as plain data that JSON takes, from its directory alone.

Start with `simlab.view.runs.Runs`, which lists the runs under a folder, and with
`simlab.view.opened.OpenedRun`, one run: its overview, its news, windows of turns, the tree of a
step. Everything read here may come from a stranger: texts are data and are cut where they are long,
no code that a run names is imported, and nothing outside a run's directory is read.

None of this is safe to call from two threads at once for one run.
"""
