"""Whether the Photometric Interpretation of a source fits what its images show.

In: sampled images of one source with facts of their headers, and profiles of the other sources.
Out: `Polarity`: a verdict, its score, and each piece of evidence with its number and a sentence.
Stands on: numpy alone. It takes no text of a header into its sentences but terms of the standard.
"""

from fastpix.audit.polarity.facts import Evidence, Observed, Polarity, Profile, Sampled
from fastpix.audit.polarity.judging import judge, judge_observed, observe

__all__ = [
    "Evidence",
    "Observed",
    "Polarity",
    "Profile",
    "Sampled",
    "judge",
    "judge_observed",
    "observe",
]
