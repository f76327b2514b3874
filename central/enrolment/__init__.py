"""Enrolment: how a box comes to its place, by a claim that works once, and how it loses it."""
