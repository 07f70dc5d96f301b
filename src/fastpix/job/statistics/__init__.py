"""Statistics of values as a job delivers them, so that ``normalize=`` can be chosen.

In come stored integers with their `Remaining` steps, image by image; out comes what each image
has (`SampleStatistics`), and per group of images what all of them have (`GroupStatistics`): exact
for integers, mergeable, small enough for the manifest. Stands on the kernel and on the vocabulary
of the job.
"""

from fastpix.job.statistics.batch_statistics import BatchStatistics, SampleStatistics

__all__ = ["BatchStatistics", "SampleStatistics"]
