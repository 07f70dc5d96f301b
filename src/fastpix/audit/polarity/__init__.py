"""Whether the Photometric Interpretation of a source fits what its images show.

In: sampled images of one source with facts of their headers, and profiles of the other sources.
Out: `Polarity`: a verdict, its score, and each piece of evidence with its number and a sentence.
Stands on: numpy alone. It takes no text of a header into its sentences but terms of the standard.
"""

from fastpix.audit.polarity.facts import Evidence, Polarity, Profile, Sampled
from fastpix.audit.polarity.judging import judge
from fastpix.audit.polarity.others import profile_of

__all__ = ["Evidence", "Polarity", "Profile", "Sampled", "judge", "profile_of"]
