"""Patients as the registry knows them: cards and PINs, accounts, contacts, consent."""
