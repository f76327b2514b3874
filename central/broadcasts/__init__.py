"""621: a privileged caller speaks to every telephone and every ward's loudspeakers."""
