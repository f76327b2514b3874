"""Patients in beds, as the hospital information system tells it."""
