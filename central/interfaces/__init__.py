"""Where a hospital's integrator finds everything: addresses, keys, states, examples."""
