"""What a person sees of a run, as plain data that JSON takes, from its directory alone.

Start with `simlab.view.runs.Runs`, which lists the runs under a folder, and with
`simlab.view.opened.OpenedRun`, one run: its overview, its news, windows of turns, the tree of a
step. Everything read here may come from a stranger: texts are data and are cut where they are long,
no code that a run names is imported, and nothing outside a run's directory is read.

What a server answers, below ``/api``; all but the first take ``run=NAME``::

    runs                                  Runs.rows()
    run                                   OpenedRun.overview()
    news?cursor=                          OpenedRun.news(cursor)
    turns?episode=&from=&to=              turns.read_turns(run, episode, start, stop)
    step?episode=&step=                   Steps.read(episode, step), of Runs.steps(NAME)
    find?q=&tag=&seat=&failed=…&cursor=   find.find(run, Query(…), cursor)
    difference?episode=&other=&other_run= difference.first_difference(run, episode, …)
    series?of=                            series.over_episodes, series.by_turn, series.Load
    labels                                labels.told_labels, labels.compare_labels

None of this is safe to call from two threads at once for one run.
"""
