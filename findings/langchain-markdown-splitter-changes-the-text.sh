#!/usr/bin/env bash
# Guess: what a splitter gives are pieces of the text, so a cited piece can be looked up in its document.
# What happens: MarkdownHeaderTextSplitter joins the lines of a section anew, with two blanks and a line end where a blank line
# stood, so most sections are not found in the document by `find`. Underlined (setext) headings are text to it.
# Seen with langchain-text-splitters 1.1.3 on 2026-11-28.
# Why it matters: citations that jump to a place, highlighting, and comparing a chunk with its source need the real text.
source "$(dirname "$0")/_env.sh"
packages 'langchain-text-splitters==1.1.3'
"$PY" - <<'PY'
from importlib.metadata import version

from langchain_text_splitters import MarkdownHeaderTextSplitter

text = "# Tea\n\nGreen tea.\n\nBlack tea.\n\nCoffee\n======\n\nFiltered.\n"
sections = MarkdownHeaderTextSplitter([("#", "title")]).split_text(text)
print("langchain-text-splitters", version("langchain-text-splitters"))
for section in sections:
    found = text.find(section.page_content)
    print(section.metadata, repr(section.page_content), "at", found)
changed = [s for s in sections if s.page_content not in text]
titles = [s.metadata.get("title") for s in sections]
raise SystemExit(0 if changed and titles == ["Tea"] else 1)
PY
