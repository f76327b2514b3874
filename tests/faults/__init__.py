"""Tests of faults and the pages about boxes."""
