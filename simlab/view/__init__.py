"""What a person sees of a run, as plain data that JSON takes, from its directory alone.

Start with `simlab.view.runs.Runs`, which lists the runs under a folder, and with
`simlab.view.opened.OpenedRun`, one run: its overview, its news, windows of turns, the tree of a
step. Everything read here may come from a stranger: texts are data and are cut where they are long,
no code that a run names is imported, and nothing outside a run's directory is read.

What a server answers, below ``/api/runs``::

    /                          Runs.rows()
    /RUN                       OpenedRun.overview()
    /RUN/events                OpenedRun.news(cursor)
    /RUN/episodes/E/turns      turns.read_turns(run, E, from, to)
    /RUN/episodes/E/steps/K    Steps.read(E, K), of Runs.steps(RUN)
    /RUN/series, .csv          series.over_episodes, series.by_turn, series.Load: tables
    /RUN/find                  find.find(run, Query(q, tag, seat, failed, …), cursor)
    /RUN/diff                  difference.first_difference(run, episode, other, with)
    /RUN/labels                labels.add_label, labels.told_labels, labels.compare_labels

Names of runs below other folders have slashes in them, so they stand percent-encoded in addresses.
None of this is safe to call from two threads at once for one run.
"""
