#!/usr/bin/env bash
# Guess: `node.css("div")` gives what lies below the node, as querySelectorAll does in browsers.
# What happens: it gives the node itself too, where the selector fits it.
# Seen with selectolax 1.0.2 (lexbor) on 2026-11-28.
# Why it matters: a reader that walks blocks inside blocks meets the outer one again: text twice in the index, or a walk that
# never gets deeper.
source "$(dirname "$0")/_env.sh"
packages 'selectolax==1.0.2'
"$PY" - <<'PY'
from importlib.metadata import version

from selectolax.lexbor import LexborHTMLParser

page = LexborHTMLParser("<div id='out'><div id='in'>text</div></div>")
found = [node.id for node in page.css_first("#out").css("div")]
print("selectolax", version("selectolax"), "below #out:", found)
raise SystemExit(0 if found == ["out", "in"] else 1)
PY
