"""The packages that Patchbay is built from: pinned with hashes, chosen by extras, audited."""
