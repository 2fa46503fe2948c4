"""The report of a script to its test: one JSON object per line, {"claim": ..., "error": null or text}.

{"do": "stop leader of", "topic": ..., "partition": ...} asks the test to stop a broker; a line on
standard input confirms it.
"""

import json
import sys
import traceback

claims = []


def claim(function):
    claims.append(function)
    return function


def have(**message):
    print(json.dumps(message), flush=True)
    sys.stdin.readline()


def run():
    for function in claims:
        try:
            function()
            error = None
        except Exception:
            error = traceback.format_exc()
        print(json.dumps({"claim": function.__doc__, "error": error}), flush=True)
    print(json.dumps({"done": True}), flush=True)
