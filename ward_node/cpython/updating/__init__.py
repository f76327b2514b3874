"""A box takes a new version of itself, tries it out, and keeps it or goes back.

`bundle.py` unpacks what was fetched, `places.py` is the disk with the switch that a power cut
cannot halve, `fetching.py` gets only what the hospital has signed, `lock.py` says when it may be.
"""
