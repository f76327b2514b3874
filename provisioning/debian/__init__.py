"""Debian packages of Wardline: one for a ward box, one for the centre, for Debian 12 and 13."""
