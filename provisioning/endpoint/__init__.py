"""The provisioning endpoint: where boxes come with their claims, and keepers ask who is let in."""
