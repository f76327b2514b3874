"""The hospital's own repository of signed versions (TUF: theupdateframework.io/specification)."""
