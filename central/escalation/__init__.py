"""Escalation: who is told of a call, in which order and after how long, until somebody comes."""
