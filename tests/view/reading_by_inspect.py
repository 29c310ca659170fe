"""What Inspect reads in a log, as JSON: ``python reading_by_inspect.py LOG``, where Inspect is."""

import json
import sys


def main():
    from inspect_ai.log import read_eval_log  # which is not installed where the tests run

    log = read_eval_log(sys.argv[1])
    first = log.samples[0]
    calls = [event for event in first.events if event.event == "model"]
    told = {
        "status": log.status,
        "task": log.eval.task,
        "scores": {name: score.value for name, score in first.scores.items()},
        "messages": [message.text for message in first.messages],
        "first_role": calls[0].input[0].role,
        "input_tokens": sum(call.output.usage.input_tokens for call in calls),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
