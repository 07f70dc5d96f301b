"""Runs of files: alike ones read in compiled code alone, many read ahead by threads.

In: sources, one after the other. Out: their arrays, in order.
Stands on: image and the stages before it.
"""
