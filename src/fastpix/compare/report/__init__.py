"""The page of a comparison: one file of HTML that asks no network for anything.

In comes the record of a comparison, or several of a history; out goes the text of the page. Python
decides what stands where (`comparison_charts`, `history_charts`, `comparison_page`); templates and
style lie in ``templates/``. It stands on `compare.comparison` and on `pages`.
"""
