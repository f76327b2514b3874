"""How a box comes to its place: by a claim, once; and how it keeps its certificate."""
