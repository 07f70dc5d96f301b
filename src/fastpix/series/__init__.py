"""Series: plane headers to stacks, and stacks to volumes with true geometry.

In come files; out go `Stack` (headers read, no pixels) and `Volume`. Grouping is a pure function of
plane headers. This package stands on source, header, plan, frames and image.
"""
