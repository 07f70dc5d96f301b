"""The page of an audit: one file of HTML that asks no network for anything.

In come an `Audit`, pictures of samples, and the verdicts of ``sources.toml``; out goes the text of
``index.html``. Python decides what stands on the page (`page`, `source_parts`, `charts`,
`wording`); templates, style and script lie in ``templates/``. Of a file's own texts, the page has
those of the record alone.
"""
