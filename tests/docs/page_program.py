"""Executes Python blocks of a page in one namespace, each when it is asked for: `page_program.py PAGE ORDERS ANSWERS`.

An order is a line with a JSON object: line, text, and whether an error is expected. The answer is a line of JSON:
null, or the text of the error. Line numbers in a traceback are the page's.
"""

from __future__ import annotations

import json
import sys
import traceback
import types


def main(page: str, orders: str, answers: str) -> None:
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    with open(orders, encoding="utf-8") as given, open(answers, "w", encoding="utf-8") as answered:
        for line in given:
            order = json.loads(line)
            error = None
            try:
                code = compile("\n" * (order["line"] - 1) + order["text"], page, "exec", dont_inherit=True)
                exec(code, module.__dict__)
            except Exception as raised:  # whatever a page's code raises is the answer
                error = f"{type(raised).__name__}: {raised}" if order["expected"] else traceback.format_exc()
            sys.stdout.flush()
            answered.write(json.dumps(error) + "\n")
            answered.flush()


if __name__ == "__main__":
    main(*sys.argv[1:4])
