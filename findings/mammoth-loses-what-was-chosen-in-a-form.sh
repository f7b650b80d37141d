#!/usr/bin/env bash
# Guess: a Word form turned into HTML holds what was chosen in its fields.
# What happens: a drop-down of the older kind (FORMDROPDOWN, of Word's legacy form tools) leaves nothing behind, and no
# message names it.
# Seen with mammoth 1.13.0 on 2026-11-28.
# Why it matters: applications and checklists are indexed with empty answers; the model says that nothing was chosen.
source "$(dirname "$0")/_env.sh"
packages 'mammoth==1.13.0'
"$PY" - <<'PY'
import io
import zipfile
from importlib.metadata import version

import mammoth

OFFICE = "http://schemas.openxmlformats.org"
TYPES = (
    f'<Types xmlns="{OFFICE}/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-'
    'officedocument.wordprocessingml.document.main+xml"/></Types>'
)
LINKS = (
    f'<Relationships xmlns="{OFFICE}/package/2006/relationships"><Relationship Id="r1" '
    f'Type="{OFFICE}/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/>'
    "</Relationships>"
)
FORM = (
    f'<w:document xmlns:w="{OFFICE}/wordprocessingml/2006/main"><w:body><w:p>'
    '<w:r><w:t xml:space="preserve">Size: </w:t></w:r>'
    '<w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:name w:val="Size"/><w:enabled/><w:ddList>'
    '<w:result w:val="1"/><w:listEntry w:val="small"/><w:listEntry w:val="large"/></w:ddList>'
    "</w:ffData></w:fldChar></w:r>"
    '<w:r><w:instrText xml:space="preserve"> FORMDROPDOWN </w:instrText></w:r>'
    '<w:r><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>'
    "</w:p></w:body></w:document>"
)
file = io.BytesIO()
with zipfile.ZipFile(file, "w") as parts:
    parts.writestr("[Content_Types].xml", TYPES)
    parts.writestr("_rels/.rels", LINKS)
    parts.writestr("word/document.xml", FORM)
file.seek(0)
result = mammoth.convert_to_html(file)
print("mammoth", version("mammoth"), repr(result.value), result.messages)
raise SystemExit(0 if "large" not in result.value and not result.messages else 1)
PY
