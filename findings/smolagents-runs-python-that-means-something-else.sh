#!/usr/bin/env bash
# Guess: code that a CodeAgent writes means what it means in Python, or is refused ("Yield is not supported.").
# What happens: some of it runs and means something else. Decorators are passed over (so a property is a method), the `else` of a
# loop never runs, a default is made anew with each call, `d[key()] += 1` asks for the key twice, and functions made in a
# comprehension see each its own value instead of the last. No error.
# Seen with smolagents 1.26.0 (`LocalPythonExecutor`, the default of CodeAgent) on 2026-11-30.
# Why it matters: models know Python, not this dialect. "Nothing found" in an `else` is never told, a decorator that counts or tries
# again does neither, and the agent reports the wrong result as computed.
source "$(dirname "$0")/_env.sh"
packages 'smolagents==1.26.0'
"$PY" - <<'PY'
import ast
from importlib.metadata import version

from smolagents.local_python_executor import LocalPythonExecutor

CASES = {
    "decorator": (
        "def twice(f):\n    def run(x):\n        return 2 * f(x)\n    return run\n"
        "@twice\ndef price(x):\n    return x\nprice(10)",
        20,
        10,
    ),
    "else of a loop": (
        "found = 'not looked'\nfor name in ['Ada', 'Bob']:\n    if name == 'Cy':\n        break\n"
        "else:\n    found = 'nobody'\nfound",
        "nobody",
        "not looked",
    ),
    "default": ("def add(x, kept=[]):\n    kept.append(x)\n    return kept\nadd(1)\nadd(2)", [1, 2], [2]),
    "key that is computed": (
        "asked = []\ndef key():\n    asked.append(1)\n    return 'a'\nd = {'a': 1}\nd[key()] += 1\nlen(asked)",
        1,
        2,
    ),
    "functions in a comprehension": (
        "steps = [lambda: number for number in range(3)]\n[step() for step in steps]",
        [2, 2, 2],
        [0, 1, 2],
    ),
}


def python(code):
    """What Python itself gives for the last line."""
    *lines, last = ast.parse(code).body
    names = {}
    exec(compile(ast.Module(lines, []), "code", "exec"), names)
    return eval(compile(ast.Expression(last.value), "code", "eval"), names)


def smolagents(code):
    executor = LocalPythonExecutor(additional_authorized_imports=[])
    executor.send_tools({})
    return executor(code).output


print("smolagents", version("smolagents"))
same = True
for case, (code, right, given) in CASES.items():
    found = python(code), smolagents(code)
    print(f"{case}: Python {found[0]!r}, smolagents {found[1]!r}")
    same = same and found == (right, given)
raise SystemExit(0 if same else 1)
PY
