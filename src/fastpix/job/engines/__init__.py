"""Where batches are converted: own processes, an executor of the caller's, a cluster of Dask.

In: batches and a `Job`. Out: `Counts`. Each batch runs in a process that may die: it costs a file.
An audit has batches, functions and results of its own, and is driven by the same `run_batches`.
Stands on: processes, batch_conversion.
"""
