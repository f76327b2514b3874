"""The patient's own page, made for a telephone: fees and places in the queue."""
