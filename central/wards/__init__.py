"""Wards, their beds and the nodes that serve them."""
