"""Facts of the hospital as JSON over HTTP, and the keys of the systems that may send them."""
