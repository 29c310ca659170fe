"""Learning: from what a seat said in a run to an adapter that says it better.

Begin with `simlab.train.samples.samples_of`, which reads a run; choose by `simlab.train.selection`;
`simlab.train.trainer.Trainer` learns from what was chosen and publishes an adapter, which every
engine then serves as ``model.with_adapter("agents/agent@7")``.
"""
