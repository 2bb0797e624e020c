"""Answers requests that come as lines of JSON on the standard input, by lines of JSON on the standard output.

    {"id": 1, "op": "read", "path": "…"}   →   {"id": 1, "value": …}   or   {"id": 1, "error": "…"}

Whatever else is printed goes to the standard error.
"""

import json
import os
import sys


# Libraries, and processes that they start, print to the standard output too: it is moved out of their way before they are loaded.
_answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)


def serve(operations, hello):
    """Says `hello` as the value of request 0, then answers until the input ends. `operations` are functions of the request, by name."""
    def answer(body):
        _answers.write(json.dumps(body, ensure_ascii=False, separators=(",", ":")) + "\n")
        _answers.flush()

    answer({"id": 0, "value": hello})
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer({"id": request["id"], "value": operations[request["op"]](request)})
        except Exception as error:
            answer({"id": request["id"], "error": f"{type(error).__name__}: {error}"[:2_000]})
