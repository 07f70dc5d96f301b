"""What pages of HTML share: templates that escape, a policy without network, colours, axes.

In come templates of a package and what stands in them; out goes the text of one file that asks no
network for anything. It stands on no other package. `audit.report` and `compare.report` stand on
it.
"""
