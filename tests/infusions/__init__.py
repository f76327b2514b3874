"""Tests of drip reminders."""
