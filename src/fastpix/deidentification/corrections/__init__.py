"""What is repaired after the engine: levels of an instance go in, and are changed in place.

Attributes that the IOD demands, texts that identify, and what a copy declares of itself.
Stands on errors, standard, pseudonyms and header.
"""
