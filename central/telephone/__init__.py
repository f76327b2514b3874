"""The exchange at work for the ward: telephones are rung, callers are answered."""
